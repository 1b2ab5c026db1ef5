import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tunery.cli import main
from tunery.cli.crash import save_crash, without_secrets
from tunery.errors import FetchError, UserError


def python(*args, **extra):
    return [sys.executable, *args], {"text": True, "env": {**os.environ, **extra}}


def test_help_does_not_load_heavy_libraries():
    command, options = python("-X", "importtime", "-m", "tunery", "--help")
    done = subprocess.run(command, **options, capture_output=True, check=True)

    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.split("\n")}
    assert "typer" in loaded
    assert not loaded & {"torch", "transformers", "matplotlib", "scipy", "fastapi", "numpy"}
    assert "quickstart" in done.stdout


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_reader_that_leaves_early_is_no_news(tmp_path, form):
    command, options = python("-m", "tunery", "models", "list", *form, TUNERY_HOME=str(tmp_path))
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, **options, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr


class Left(io.StringIO):
    """A standard output whose reader has left."""

    def __init__(self, file):
        super().__init__()
        self.file = file

    def flush(self):
        raise BrokenPipeError

    def fileno(self):
        return self.file.fileno()


def test_output_that_nobody_reads_goes_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("TUNERY_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["tunery", "models", "list", "--json"])

    with (tmp_path / "out").open("w") as file, contextlib.redirect_stdout(Left(file)):
        with pytest.raises(SystemExit) as ended:
            main.run()
        os.write(file.fileno(), b"what the interpreter flushes at its end")

    assert ended.value.code == 1
    assert (tmp_path / "out").read_text() == ""


def test_run_ends_with_the_exit_code(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["tunery", "data", "check", "/no/such/file\udcff"])

    with pytest.raises(SystemExit) as ended:
        main.run()

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(r"Error: There is no file /no/such/file\udcff.")


def test_version(run):
    assert run("--version").stdout.startswith("tunery ")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["modles"], "No such command 'modles'"),
        (["models", "show"], "Missing argument 'NAME'"),
        (["models", "list", "--jason"], "No such option"),
        (["chat", "x", "--temperature", "9"], "less than or equal to 2"),
        (["eval", "x", "--data", "/no/such/file"], "There is no file"),
    ],
)
def test_wrong_usage_ends_with_2(run, args, message):
    assert message in " ".join(run(*args, expect=2).stderr.replace("│", " ").split())


def test_without_a_command_help_is_shown(run):
    assert "Usage:" in run(expect=2).output


def raising(workspace, error):
    def fetch(*args, **options):
        raise error

    workspace.fetch = fetch
    return workspace


@pytest.mark.parametrize(
    ("error", "code"),
    [(UserError("No [b]x[/b].", "Do y."), 2), (FetchError("No [b]x[/b].", "Do y."), 1)],
)
def test_known_errors_are_a_sentence_and_what_to_do(run, workspace, error, code):
    raising(workspace, error)

    result = run("models", "pull", "x", expect=code)

    assert result.stdout == ""
    assert result.stderr == "Error: No [b]x[/b].\nDo y.\n"


def test_with_json_an_error_leaves_standard_output_empty(run, workspace):
    raising(workspace, UserError("No."))

    assert run("models", "pull", "x", "--json", expect=2).stdout == ""


def test_control_c_is_one_line(run, workspace):
    raising(workspace, KeyboardInterrupt())

    assert run("models", "pull", "x", expect=130).stderr == "Stopped.\n"


def test_an_unexpected_error_is_a_sentence_and_a_file(run, workspace, tmp_path):
    raising(workspace, ZeroDivisionError("by nothing, token hf_abcdef"))
    home = tmp_path / "home"
    env = {"TUNERY_HOME": str(home), "HF_TOKEN": "hf_abcdef"}

    result = run("models", "pull", "my-private-argument", expect=1, env=env)

    (file,) = (home / "logs").iterdir()
    first, second = result.stderr.splitlines()
    assert first.startswith("Error: Something unexpected happened, ZeroDivisionError: by nothing")
    assert second == f"The traceback is in {file}; `tunery --debug` shows it."
    written = file.read_text()
    assert re.search(r'File ".*test_main\.py", line \d+, in fetch', written)
    assert "command: tunery models" in written
    assert "hf_abcdef" not in written
    assert "my-private-argument" not in written


def test_debug_raises_the_unexpected_error(run, workspace):
    raising(workspace, ZeroDivisionError("by nothing"))

    result = run("--debug", "models", "pull", "x", expect=1)

    assert isinstance(result.exception, ZeroDivisionError)


def test_a_home_that_cannot_be_used_is_a_sentence(run, tmp_path):
    file = tmp_path / "file"
    file.write_text("")

    result = run("models", "list", obj=None, env={"TUNERY_HOME": str(file)}, expect=2)

    assert "expected a folder" in result.stderr


def test_the_home_of_the_environment_is_used(run, tmp_path):
    env = {"TUNERY_HOME": str(tmp_path / "here")}

    result = run("models", "show", "zzz", obj=None, env=env, expect=2)

    assert f"or in {tmp_path / 'here'}." in result.stderr


@pytest.mark.parametrize("damage", ["file as home", "home is damaged"])
def test_a_crash_goes_to_the_folder_for_temporary_files_if_need_be(tmp_path, monkeypatch, damage):
    home = tmp_path / "home"
    if damage == "file as home":
        home.write_text("")
    else:
        home.mkdir()
        (home / "logs").write_text("")
    elsewhere = tmp_path / "tmp"
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))

    file = save_crash(ValueError("x"), "tunery", {"TUNERY_HOME": str(home)})

    assert file is not None
    assert file.parent == elsewhere


def test_a_crash_that_nobody_can_write_is_not_written(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setattr("tempfile.tempdir", str(blocked))

    assert save_crash(ValueError("x"), "tunery", {"TUNERY_HOME": str(blocked / "home")}) is None


def test_secrets_are_blotted_out_the_longest_first():
    environ = {"A_KEY": "sesame", "B_TOKEN": "sesame-open", "USER": "sesamestreet", "KEYS": "1"}

    assert without_secrets("sesame-open sesame 1", environ) == "[secret] [secret] 1"


def test_reference_page_is_what_the_commands_say():
    from tunery.cli.reference import render

    page = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"
    assert page.read_text("utf-8") == render(), (
        "Run python -m tunery.cli.reference > docs/reference/cli.md"
    )
    for command in ("models list", "data check", "train", "quickstart", "doctor"):
        assert f"## `tunery {command}`" in render()


def test_every_command_has_an_example():
    from tunery.cli.reference import render

    parts = render().split("\n## `")[1:]
    lacking = [
        p.split("`")[0] for p in parts if "Commands:" not in p and "Example: tunery" not in p
    ]
    assert lacking == []
