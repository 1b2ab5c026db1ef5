"""Data files to conversations.

Entry points: `read.read_conversations` (a file to `Conversation` rows and findings),
`validate.check_file` (the findings alone), `split.split_rows` (a held-out share).

    rows, findings = read_conversations(Path("train.jsonl"))
"""
