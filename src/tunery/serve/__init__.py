"""Models that answer.

Entry points: `engine.Engine` (the seam: what a model that answers can do), `engines.torch`
(the implementation on the prefix forest).

    completions = engine.generate("smollm2-135m-instruct", [messages], Sampling(max_tokens=64))
"""
