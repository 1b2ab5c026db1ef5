import sys
from pathlib import Path

import pytest
from benchmarks.train_vs_peers.peer_environment import peer_python
from benchmarks.train_vs_peers.peers import PEERS

from tunery.errors import RunError

# Stands in for an interpreter: `-m venv` makes a folder with a copy of it, `-m pip` "installs".
FAKE_PYTHON = f"""#!{sys.executable}
import pathlib, shutil, sys
arguments = sys.argv[1:]
log = pathlib.Path({{log!r}})
with log.open("a") as file:
    file.write(" ".join(arguments[:2]) + "\\n")
if arguments[1] == "venv":
    assert arguments[2] == "--clear"
    folder = pathlib.Path(arguments[3])
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    shutil.copy(sys.argv[0], folder / "bin" / "python")
else:
    wanted = pathlib.Path(arguments[-1]).read_text()
    print("Looking for " + wanted)
    if "absent" in wanted:
        sys.exit("No matching distribution found")
"""


class Bench:
    """A folder with a fake interpreter and a requirements file."""

    def __init__(self, folder: Path) -> None:
        self.environment = folder / "environment"
        self.requirements = folder / "requirements.txt"
        self.python = folder / "python"
        self.log = folder / "log"
        self.python.write_text(FAKE_PYTHON.format(log=str(self.log)))
        self.python.chmod(0o755)
        self.told: list[str] = []

    def make(self, requirements: str) -> Path:
        self.requirements.write_text(requirements)
        return peer_python(self.environment, self.requirements, self.told.append, str(self.python))

    def calls(self) -> list[str]:
        calls = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return calls


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_it_is_made_on_first_use_and_kept(bench: Bench) -> None:
    python = bench.make("trl==1.0\n")
    assert python == bench.environment / "bin" / "python"
    assert bench.calls() == ["-m venv", "-m pip"]
    assert len(bench.told) == 1
    assert bench.make("trl==1.0\n") == python
    assert bench.calls() == []
    assert len(bench.told) == 1


def test_it_is_made_anew_for_other_requirements(bench: Bench) -> None:
    bench.make("trl==1.0\n")
    (bench.environment / "left-over").touch()
    bench.make("trl==2.0\n")
    assert bench.calls() == ["-m venv", "-m pip"] * 2
    assert not (bench.environment / "left-over").exists()


def test_what_could_not_be_installed_is_shown_and_tried_again(bench: Bench) -> None:
    with pytest.raises(RunError) as failed:
        bench.make("absent==1.0\n")
    assert "pip ended with exit code 1" in failed.value.message
    assert "Looking for absent==1.0\nNo matching distribution found" in failed.value.message
    assert "--peers none" in failed.value.hint
    bench.calls()
    with pytest.raises(RunError, match="No matching distribution found"):
        bench.make("absent==1.0\n")
    assert bench.calls() == ["-m venv", "-m pip"]


def test_an_interpreter_that_does_not_start(bench: Bench) -> None:
    bench.python.unlink()
    with pytest.raises(RunError, match=r"venv did not start.*\n.*No such file"):
        bench.make("trl==1.0\n")


@pytest.mark.parametrize("name", PEERS)
def test_every_requirement_of_a_peer_is_pinned(name: str) -> None:
    text = PEERS[name].requirements.read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert [line for line in lines if "==" not in line] == []
    assert {"torch", "transformers", "peft", "datasets"} <= {
        text.partition("==")[0] for text in lines
    }
    assert PEERS[name].script.is_file()
