"""A run of `tunery data generate` that is killed at any moment goes on without losing a row."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tunery.testing.chat_server import completion, served
from tunery.testing.scripted_teacher import three_facts

ROWS = 30
PASSAGES = 10


class Killer:
    """Answers requests, and kills a process at the nth of them."""

    def __init__(self, at):
        self.at, self.process, self.asked, self.lock = at, None, [], threading.Lock()

    def __call__(self, body, number):
        with self.lock:
            self.asked.append(body["messages"][1]["content"])
            if number == self.at and self.process:
                os.kill(self.process.pid, signal.SIGKILL)
        time.sleep(0.01 * (number % 3))  # so that answers come in another order than requests
        return completion(three_facts(body["messages"], number))


def command(folder, url, *more):
    words = [folder / "documents", "--task", "qa", "--teacher", url, "--teacher-model", "m"]
    words += ["--rows", ROWS, "--near", 0, "--out", folder / "train.jsonl", "--json", *more]
    run = [sys.executable, "-m", "tunery", "data", "generate"]
    return [*run, *(str(word) for word in words)]


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("at", [1, 3, 8])
def test_killed_and_resumed(tmp_path, at):
    (tmp_path / "documents").mkdir()
    for number in range(PASSAGES):
        file = tmp_path / "documents" / f"{number}.txt"
        file.write_text(f"Fact {number} is that bird {number} sings.\n")
    killer = Killer(at)
    with served(killer) as server:
        killer.process = subprocess.Popen(
            command(tmp_path, server.url), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        killer.process.communicate(timeout=60)
        assert killer.process.returncode == -signal.SIGKILL
        journal = (tmp_path / "train.jsonl.journal").read_bytes()
        before = [json.loads(line) for line in journal.split(b"\n")[:-1]]
        seen = {event["ask"] for event in before if event["event"] == "answered"}
        killer.process = None
        ended = subprocess.run(
            command(tmp_path, server.url, "--resume"),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    rows, rejected = lines(tmp_path / "train.jsonl"), lines(tmp_path / "train.rejected.jsonl")
    assert (found["kept"], len(rows)) == (ROWS, ROWS)
    assert found["asked"] == ROWS + len(rejected)
    prompts = [row["messages"][0]["content"] for row in rows]
    assert len(set(prompts)) == ROWS
    # What was answered before the kill was not asked again: each ask gives its three rows once.
    asks = [row["metadata"]["ask"] for row in rows]
    assert all(asks.count(ask) == 3 for ask in asks)
    kept_before = {str(ask) for ask in seen}
    assert kept_before <= set(asks)
    assert len(killer.asked) <= found["requests"]  # a request may be noted and then not go out
    assert found["requests"] <= PASSAGES + 4  # at most those under way are sent twice
