"""`tunery quickstart`: the sample task, from data to an answering model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunery.cli.home import open_workspace
from tunery.cli.output import say
from tunery.cli.train import run_in_foreground
from tunery.errors import NotFoundError

EXAMPLE = Path("examples") / "support_triage" / "config.yaml"

NEXT = """
Ask it yourself:
  tunery chat {name}
Serve it behind the OpenAI API:
  tunery serve {name}
and from any program:
  from openai import OpenAI
  client = OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="unused")
  system = {{"role": "system", "content": open("{folder}/system.txt").read()}}
  user = {{"role": "user", "content": "My kettle leaks. I want my money back!"}}
  answer = client.chat.completions.create(model="{name}", messages=[system, user], temperature=0)
  print(answer.choices[0].message.content)
Your own data: copy {example} and change its config.yaml.
"""


def quickstart(
    context: typer.Context,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one value; may be repeated."),
    ] = None,
) -> None:
    """Fine-tune a small model on the sample task and show what it gained.

    Example: tunery quickstart
    """
    from tunery.config.load import load_run

    path = example_config()
    config = load_run(path, overrides or [])
    result = run_in_foreground(open_workspace(context), config, resume=False)
    say(NEXT.format(name=config.name, folder=result.tuned.folder, example=path.parent))


def example_config() -> Path:
    """The sample task's configuration: in the package, or in the checkout it is installed from.

    Raises:
        NotFoundError: Neither place has it.
    """
    package = Path(__file__).resolve().parents[1]
    for place in (package, package.parents[1]):
        if (place / EXAMPLE).is_file():
            return place / EXAMPLE
    raise NotFoundError(
        f"The sample task {EXAMPLE} is not part of this installation.",
        "Install Tunery again, or run it from a checkout.",
    )
