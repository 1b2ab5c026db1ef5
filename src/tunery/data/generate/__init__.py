"""Rows that a teacher writes: from documents, from seed examples, or from logs of its answers.

    documents, seeds -> asks -> teacher -> tasks -> filters -> train.jsonl | train.rejected.jsonl
                                   |
                                 ledger       all that was asked and answered; a run goes on from it

Entry points: `run.generate` and `distil.distil`. What a document or an answer says is only ever
text: nothing in it is executed, fetched, or chooses where anything is sent or written.
"""
