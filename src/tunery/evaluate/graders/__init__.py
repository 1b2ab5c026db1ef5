"""Functions from a reference and an answer to what is right about the answer.

Entry points: `grade.grade_answer` (everything about one answer), built from
`exact_match.is_exact` and `json_fields.grade_fields`.

    grade_answer('{"intent": "refund"}', '{ "intent": "refund" }').exact  # True
"""
