"""How do time and memory of a step grow with rows, tokens a row, what rows share, words, weights?

Entry point: `__main__`. `points` says what is measured, `point` trains one of them as a process of
its own, `line` fits straight lines, `verdict` judges them, `plot` draws the panels.

    $ python -m benchmarks.scaling --image scaling.png
"""
