"""Token rows to exact log-probabilities, with shared prefixes computed once.

The heart of Tunery, used by training, serving and evaluation alike. Entry points:
`forest.build_forest` (rows to a prefix forest), `plan.cut` (a step's rows to micro-batches under a
token budget), `logprobs.row_logprobs` (a model and a forest to log-probabilities at the targets).

    forest = build_forest(rows)
    logp = token_logprobs(model, forest)  # [targets]
"""
