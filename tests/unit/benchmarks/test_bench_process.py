import os
import signal
import sys
import threading
import time

import psutil
import pytest
from benchmarks.train_vs_peers.process import Finished, check_success, last_lines, run_measured

from tunery.errors import RunError


def run(code: str) -> Finished:
    return run_measured([sys.executable, "-I", "-c", code], os.environ)


def test_time_memory_and_output_are_measured_from_outside() -> None:
    small = run("import sys; print('out ä'); print('err', file=sys.stderr)")
    assert (small.exit_code, small.stdout, small.stderr) == (0, "out ä\n", "err\n")
    large = run("import time; held = b'x' * (100 << 20); time.sleep(0.2)")
    assert large.wall_s >= 0.2
    assert 100 <= large.peak_rss_mib <= 100 + small.peak_rss_mib + 50


def test_a_process_that_fails_shows_its_last_lines() -> None:
    failed = run("import sys; print('nothing'); sys.exit('line 1\\nthe reason')")
    with pytest.raises(RunError, match=r"^Ours ended with exit code 1; [^:]*:\nline 1\nthe reason"):
        check_success("Ours", failed)


def test_output_is_shown_when_no_error_was_printed() -> None:
    with pytest.raises(RunError, match=r"exit code 3.*\nonly this"):
        check_success("Ours", run("print('only this'); raise SystemExit(3)"))
    with pytest.raises(RunError, match=r"exit code 3.*\n.it printed nothing.$"):
        check_success("Ours", run("raise SystemExit(3)"))


def test_a_process_that_was_killed_names_the_signal() -> None:
    with pytest.raises(RunError, match="was ended by signal 9"):
        check_success("Ours", run("import os; os.kill(os.getpid(), 9)"))


def test_success_passes() -> None:
    check_success("Ours", run("pass"))


def test_an_interruption_ends_the_process_too() -> None:
    here = psutil.Process()
    before = set(here.children())

    def interrupt() -> None:
        while set(here.children()) == before:
            time.sleep(0.01)
        time.sleep(0.2)  # by now the child is being waited for
        os.kill(here.pid, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run("import time; time.sleep(60)")
    assert set(here.children()) == before


def test_last_lines_are_those_that_a_terminal_would_show() -> None:
    text = "one\n\n" + "1%\r50%\r100% done\n" + "three  \n\n"
    assert last_lines(text) == "one\n100% done\nthree"
    assert last_lines(text, count=2) == "100% done\nthree"
    assert last_lines("") == ""
