"""How sure a measured share is: 95 % intervals, and the paired comparison of two models.

Entry points: `wilson.wilson_share` (rows), `clustered.clustered_share` (fields within rows),
`paired.paired_comparison` (two models on the same rows).

    wilson_share(48, 60).interval  # Interval(lower=0.682..., upper=0.882...)
"""
