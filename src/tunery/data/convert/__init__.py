"""One file a target: a record to the object that a row of it is.

Entry point: `run.convert`. A writer raises `CannotHoldError` where its format has no place for
something; what it writes is read back, and must give the same record.

    done = convert(understand("train.csv"), Path("train.jsonl"), "openai")
    print(done.written, done.findings)
"""
