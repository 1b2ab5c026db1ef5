"""The `tunery` command: its commands, and the one place where errors become sentences."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any, TextIO

import typer
from typer.core import TyperGroup

from tunery.cli import (
    chat,
    data,
    doctor,
    evaluate,
    models,
    pause,
    quickstart,
    rate_range,
    serve,
    sweep,
    train,
)
from tunery.cli.crash import save_crash, tunery_version
from tunery.cli.output import note, show_error
from tunery.errors import PausedError, TuneryError

EXIT_FAILURE = 1
EXIT_INTERRUPTED = 130


class Door(TyperGroup):
    """The root of all commands: what they raise ends here, as a sentence and an exit code.

    0 is success, 2 a mistake of the user's (Typer's own for options), 1 a failure, 75 a run that
    was paused, 130 Ctrl-C.
    """

    def invoke(self, ctx: Any) -> Any:
        """Runs the command that was asked for."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise  # Typer ends the program as it should for each of these
        except KeyboardInterrupt:
            note("Stopped.")
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except PausedError as paused:
            note(str(paused))
            raise typer.Exit(paused.exit_code) from None
        except TuneryError as error:
            show_error(error.message, error.hint)
            raise typer.Exit(error.exit_code) from None
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            _show_crash(error, f"{ctx.command_path} {ctx.invoked_subcommand or ''}".strip())
            raise typer.Exit(EXIT_FAILURE) from None


def _show_crash(error: Exception, command: str) -> None:
    file = save_crash(error, command, os.environ)
    # A path such as "/a/b.py" in the message may be followed by a stop, but not by two.
    what = f"{type(error).__name__}: {error}".strip().rstrip(".:")
    where = f"The traceback is in {file}" if file else "No folder could be written to save it"
    show_error(f"Something unexpected happened, {what}.", f"{where}; `tunery --debug` shows it.")


app = typer.Typer(
    cls=Door,
    name="tunery",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: tunery quickstart",
)
app.command("quickstart")(quickstart.quickstart)
app.command("doctor")(doctor.doctor)
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")
app.command("train")(train.train)
app.command("lr-range")(rate_range.rate_range)
app.command("sweep")(sweep.sweep)
app.command("pause")(pause.pause)
app.command("eval")(evaluate.evaluate)
app.command("chat")(chat.chat)
app.command("serve")(serve.serve)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"tunery {tunery_version()}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")
    ] = False,
) -> None:
    """Your own fine-tuning service: decide, prepare, train, prove and serve, on your machine."""


def run() -> None:
    """Runs the command line of this process; does not return."""
    for stream in (sys.stdout, sys.stderr):
        _write_anything(stream)
    try:
        app(prog_name="tunery")
    finally:
        _flush_quietly()


def _write_anything(stream: TextIO) -> None:
    """Makes a stream write what its encoding cannot carry as an escape instead of failing."""
    reconfigure = getattr(stream, "reconfigure", None)  # a test's stream may not have it
    if reconfigure:
        reconfigure(errors="backslashreplace")


def _flush_quietly() -> None:
    """Ends the output here, where a reader that has left (`| head`) is no news."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILURE)
