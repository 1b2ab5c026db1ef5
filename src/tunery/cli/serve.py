"""`tunery serve`: models behind the OpenAI API."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Annotated

import typer

from tunery.cli.home import Threads, open_workspace
from tunery.cli.output import note, say
from tunery.errors import UserError

KEY_VARIABLE = "TUNERY_API_KEY"

# `tunery.server` has the same, which a test compares; importing it here would cost every
# command's start.
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000

_EVERY_INTERFACE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}

SNIPPET = """\
{imports}  from openai import OpenAI
  client = OpenAI(base_url="{url}/v1", api_key={key})
  messages = [{{"role": "user", "content": "Hello!"}}]
  answer = client.chat.completions.create(model="{model}", messages=messages)
  print(answer.choices[0].message.content)"""


def serve(
    context: typer.Context,
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL",
            help="Tuned or base models, all of one base.",
            show_default="the newest tuned model",
        ),
    ] = None,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = DEFAULT_HOST,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes any free one.")
    ] = DEFAULT_PORT,
    api_key_env: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Variable of the environment that holds the API key. Without a key only this "
            "machine may connect.",
            show_default=KEY_VARIABLE,
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Another name by which this machine's own programs call it; may be repeated.",
        ),
    ] = None,
    threads: Threads = None,
) -> None:
    """Serve models behind the OpenAI API until Ctrl-C.

    Tuned models of the same base are served beside it.

    Example: tunery serve support-triage --port 8000
    """
    from tunery import server

    key = api_key(os.environ, api_key_env)
    workspace = open_workspace(context)
    note(f"Loading {', '.join(models) if models else 'the newest tuned model'}")
    engine = workspace.open_engine(models or [], note, threads)
    names = [model.name for model in engine.models()]
    asked = models[0] if models else names[-1]
    variable = (api_key_env or KEY_VARIABLE) if key else None

    def on_ready(url: str) -> None:
        say(f"Serving {', '.join(names)} at {url}/v1; Ctrl-C stops.")
        say(snippet(url, asked, variable))

    _log_requests()
    server.serve(engine, host, port, on_ready, key, allowed_hosts=allow_host or ())
    note("Stopped.")


def api_key(environ: Mapping[str, str], variable: str | None) -> str | None:
    """The key that requests must bring; None for none.

    Args:
        environ: The environment.
        variable: The variable that the user named, if one was; it must be there then.

    Raises:
        UserError: The named variable is not set, or empty.
    """
    key = environ.get(variable or KEY_VARIABLE) or None
    if variable and key is None:
        raise UserError(
            f"The variable {variable} is not set, but was named as the one with the API key.",
            f"Set it, such as with `export {variable}=$(openssl rand -hex 16)`.",
        )
    return key


def snippet(url: str, model: str, key_variable: str | None) -> str:
    """A short program that asks the served model with the `openai` library.

    Args:
        url: Of the server.
        model: Whom it asks.
        key_variable: The variable with the API key; None if there is no key.
    """
    for address, reachable in _EVERY_INTERFACE.items():
        url = url.replace(f"//{address}:", f"//{reachable}:")
    imports, key = "", '"none"'
    if key_variable:
        imports, key = "  import os\n", f'os.environ["{key_variable}"]'
    return SNIPPET.format(imports=imports, url=url, key=key, model=model)


def _log_requests() -> None:
    """Writes a line for each request, and what goes wrong, to standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("uvicorn.access").setLevel(logging.INFO)
