"""Data files to conversations.

A file goes through `sources` (bytes to objects), `formats` (an object to a record) and checks.
Entry points: `file.understand` (how a file is read, and its rows one by one), `read.read_records`
and `read.read_conversations` (all rows in memory, with a `Finding` for everything wrong or odd),
`findings.CODES` (what can be found), `split.hold_out` (rows that training will not see).

    result = read_conversations("train.jsonl")
    print(f"{len(result.rows)} of {result.total} rows, {result.format_reason}")
    train, validation = hold_out(result.rows, share=0.1, seed=0)
"""
