"""How fast, and in how much memory, does Tunery train beside TRL's SFTTrainer?

Entry point: `__main__`, which reads the command, prepares one `task.Task` for both sides and has
`pairs.run_pairs` measure them in turn. `ours` and `peer` run one side each as a process of its own
(`process.run_measured`); `peer_trl` is the script that the peer's process runs, in the virtual
environment that `peer_environment` makes. `comparison` holds the numbers and `table` shows them.

    $ python -m benchmarks.train_vs_trl --data train.jsonl --rows 24 --batch 8 --json
"""
