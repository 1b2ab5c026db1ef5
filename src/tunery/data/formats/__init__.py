"""One file a format: an object to a record, with what is wrong in it.

Entry point: `table.FORMATS`. A format's reader takes one object and its place and never raises.

    read = FORMATS["chat"].reader(objects)
    row = read({"messages": [...]}, Place("train.jsonl", 1))
    print(row.record, row.findings)
"""
