"""Token rows to exact log-probabilities, with shared prefixes computed once.

The heart of Tunery, used by training, serving and evaluation alike. Entry points:
`attach.attach` (LoRA layers on a model), `forest.build_forest` (rows to a prefix forest),
`plan.cut` (a step's rows to micro-batches under a token budget), `states.Trunk` (what blocks
without adapters make of the rows, kept), `logprobs.target_logprobs` (a model and a forest to
log-probabilities).

    forest = build_forest(rows)
    logp = target_logprobs(model, forest)  # [M], one a target
"""
