"""What a training minimises: one file a method, each a function of log-probabilities.

`METHODS` in `train.loop` lists them.
"""
