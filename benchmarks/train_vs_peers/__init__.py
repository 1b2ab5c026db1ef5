"""How fast, and in how much memory, does Tunery train beside other trainers?

Entry point: `__main__`, which reads the command and measures one of `cases` after the other.
`suite.measure_case` sets out what all sides start from (`start`) and has `rounds.run_rounds`
measure them in turn. `ours` and `peer` run one side each as a process of its own
(`process.run_measured`);
`peer_trl` and `peer_llamafactory` are the scripts that a peer's process runs, in the virtual
environment that `peer_environment` makes, all as `peers` says. `product_share` compares
our steps with their matrix products alone (`products`). `results` keeps measurements,
`comparison` holds the numbers, `table` and `page` show them.

    $ python -m benchmarks.train_vs_peers --case gsm8k --peers trl,llamafactory
"""
