"""One file a format: lines of text to rows, with what is wrong in each.

Entry points: `chat.read_chat`, `prompt_completion.read_prompt_completion` and
`csv_table.open_table`. They take lines, not files, and never raise for a bad row.

    for row in read_chat(lines, "train.jsonl"):
        print(row.line, row.messages, row.findings)
"""
