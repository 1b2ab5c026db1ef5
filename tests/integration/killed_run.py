"""Runs fine-tunes in processes that can be killed; started by `test_killed_runs.py`.

Reads one JSON object a line and answers each with one. Every run is a fork of this process, which
has imported everything and computed nothing, so a run costs no start-up.

    {"config": path, "home": path, "resume": bool, "after": seconds | null, "in_write": n | null}
    {"killed": bool, "code": int, "seconds": from the plan to the end}
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from tunery.config.load import load_run
from tunery.pipelines import finetune
from tunery.pipelines.listener import Listener
from tunery.train import checkpoint
from tunery.train.plan import TrainPlan


class Telling(Listener):
    """Writes a byte when training begins."""

    def __init__(self, pipe):
        self.pipe = pipe

    def event(self, event):
        if isinstance(event, TrainPlan):
            os.write(self.pipe, b"!")


def die_in_write(number):
    """Kills this process in the midst of writing a checkpoint, at the nth flush to the disk."""
    flush, seen = checkpoint._flush, []

    def flush_or_die(path):
        seen.append(path)
        if len(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        flush(path)

    checkpoint._flush = flush_or_die


def child(order, pipe):
    if order["in_write"]:
        die_in_write(order["in_write"])
    finetune.run(
        load_run(Path(order["config"])),
        Path(order["home"]),
        offline=True,
        resume=order["resume"],
        listener=Telling(pipe),
    )


def run(order):
    begun, pipe = os.pipe()
    process = os.fork()
    if not process:
        code = 1
        try:
            os.close(begun)
            child(order, pipe)
            code = 0
        finally:
            os._exit(code)
    os.close(pipe)
    os.read(begun, 1)
    start = time.monotonic()
    if order["after"] is not None:
        time.sleep(order["after"])
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    os.close(begun)
    killed = os.WIFSIGNALED(status)
    code = os.WTERMSIG(status) if killed else os.WEXITSTATUS(status)
    return {"killed": killed, "code": code, "seconds": time.monotonic() - start}


for line in sys.stdin:
    sys.stdout.write(json.dumps(run(json.loads(line))) + "\n")
    sys.stdout.flush()
