"""Questions about speed, memory and quality, each answered by one command.

A folder is a question. `python -m benchmarks.NAME` prints one table, Tunery beside a peer, measured
in the same run on the same machine; `--json` prints it for programs. `README.md` lists them.

    $ python -m benchmarks.train_vs_peers --case sample
"""
