"""Data files to conversations.

Entry points: `read.read_conversations` (a file to `Conversation` rows, with a `Finding` for
everything wrong or odd in it), `findings.CODES` (what can be found), `split.hold_out` (rows that
training will not see). A format is a file in `formats/`.

    result = read_conversations("train.jsonl")
    print(f"{len(result.rows)} of {result.total} rows, {result.format_reason}")
    train, validation = hold_out(result.rows, share=0.1, seed=0)
"""
