"""Runs fine-tunes in processes that can be killed; started by `test_killed_runs.py`.

Reads one JSON object a line and answers each with one. Every run is a fork of this process, which
has imported everything and computed nothing, so a run costs no start-up.

    {"config": path, "home": path, "resume": bool, "event": n | null, "delay": seconds,
     "in_write": n | null, "in_state": n | null}
    {"killed": bool, "code": int, "events": heard, "seconds": from the first one to the end}

A run is killed `delay` after it told of its nth event, at whatever it does then. If the machine
lets it get ahead of that by `AHEAD` events, it kills itself: so the moment depends on the run's
progress, never on how fast the machine is.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from safetensors.torch import save

from tunery.config.load import load_run
from tunery.pipelines import finetune
from tunery.pipelines.listener import Listener
from tunery.train import checkpoint

AHEAD = 3


class Telling(Listener):
    """Writes a byte at each event, and ends the process at the last one that it may reach."""

    def __init__(self, pipe, last):
        self.pipe = pipe
        self.left = last

    def event(self, event):
        os.write(self.pipe, b"!")
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)


def die_in_write(number):
    """Kills this process in the midst of writing a checkpoint, at the nth flush to the disk."""
    flush, seen = checkpoint._flush, []

    def flush_or_die(path):
        seen.append(path)
        if len(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        flush(path)

    checkpoint._flush = flush_or_die


def die_in_state(number):
    """Kills this process when half of the tensors of its nth checkpoint are written."""
    save_file, seen = checkpoint.save_file, []

    def save_half_and_die(tensors, path):
        seen.append(path)
        if len(seen) < number:
            return save_file(tensors, path)
        content = save(tensors)
        path.write_bytes(content[: len(content) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    checkpoint.save_file = save_half_and_die


def child(order, pipe):
    if order["in_write"]:
        die_in_write(order["in_write"])
    if order["in_state"]:
        die_in_state(order["in_state"])
    event = order["event"]
    finetune.run(
        load_run(Path(order["config"])),
        Path(order["home"]),
        offline=True,
        resume=order["resume"],
        listener=Telling(pipe, 0 if event is None else event + AHEAD),
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
    heard, start = 0, None
    while os.read(begun, 1):
        heard += 1
        start = start or time.monotonic()
        if heard == order["event"]:
            time.sleep(order["delay"])
            os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    os.close(begun)
    killed = os.WIFSIGNALED(status)
    code = os.WTERMSIG(status) if killed else os.WEXITSTATUS(status)
    seconds = time.monotonic() - (start or time.monotonic())
    return {"killed": killed, "code": code, "events": heard, "seconds": seconds}


for line in sys.stdin:
    sys.stdout.write(json.dumps(run(json.loads(line))) + "\n")
    sys.stdout.flush()
