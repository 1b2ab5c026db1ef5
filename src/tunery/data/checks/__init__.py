"""What can be wrong in records: in one row, and in all rows together.

Checks of one row are functions `(record, place) -> findings`, listed in `rows.ROW_CHECKS`. Checks
of many rows are objects that take records by `add`, join what several processes saw by `merge`,
and tell it by `findings`; they keep digests and counts, not texts.
"""
