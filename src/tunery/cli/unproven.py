"""The option that takes a model whose type has no proof, for every command that trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

Unproven = Annotated[
    bool,
    typer.Option(
        "--unproven", help="Take a model whose type has no proof, after comparing a few rows."
    ),
]


def with_unproven(overrides: Sequence[str] | None, *, unproven: bool) -> list[str]:
    """The changes of `--set`, and that of `--unproven` if it was given."""
    return [*(overrides or []), *(["unproven=true"] if unproven else [])]
