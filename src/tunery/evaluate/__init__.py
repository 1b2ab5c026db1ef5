"""Proof: the untuned and the tuned model answer the same held-out rows, and the report says how.

Entry points: `sample.samples_from` (conversations to samples), `run.compare` (two models, one
engine, one `Comparison`), `report.write_report` (`report.json` and `report.html`) and
`summary.summary_rows` (the same numbers for a terminal). Models are seen only as
`tunery.serve.engine.Engine`.

    samples, unused = samples_from(conversations)
    comparison = compare(engine, "smollm2", "triage", samples, max_tokens=128, unused=unused)
    write_report(comparison, Curves(), About(title="triage"), Path("out"))
"""
