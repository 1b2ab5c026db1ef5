"""The workspace that a command works in, and the option for the engines that it opens."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from tunery.workspace import Workspace

Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads.", show_default="all")]
"""The option of every command that opens an engine."""


def open_workspace(context: typer.Context) -> Workspace:
    """The workspace that the program was started with, else the one that the environment names.

    It is opened by the first command that asks and not before the commands, because
    `tunery models --help` needs none.

    Args:
        context: Typer's context; its `obj` is the workspace, or None before it is opened.

    Raises:
        ConfigError: A variable of the environment has a value that it cannot have.
    """
    root = context.find_root()
    if root.obj is None:
        from tunery.config.settings import read_settings
        from tunery.workspace import Workspace

        root.obj = Workspace(read_settings(os.environ))
    return cast("Workspace", root.obj)
