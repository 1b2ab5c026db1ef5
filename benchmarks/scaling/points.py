"""What is measured: five quantities, each grown alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True, slots=True)
class Point:
    """One training of random rows with a random model.

    Attributes:
        rows: In one optimizer step.
        tokens: In a row.
        shared: Share of a row's tokens that all rows begin with.
        vocabulary: Words of the model.
        blocks: Of the model; its weights grow with them.
    """

    rows: int = 32
    tokens: int = 128
    shared: float = 0.0
    vocabulary: int = 4096
    blocks: int = 6


@dataclass(frozen=True, slots=True)
class Axis:
    """A quantity that grows.

    Attributes:
        name: Field of `Point`.
        title: What a panel calls it.
        against: Field of a measurement that time is drawn against.
        points: From small to large.
    """

    name: str
    title: str
    against: str
    points: tuple[Point, ...]


LONG = Point(tokens=256)
"""Rows long enough to have something to share."""


def axes() -> tuple[Axis, ...]:
    """All quantities with their points."""
    tokens = "unique_tokens"
    return (
        Axis("rows", "rows in a step", tokens, _grown("rows", (16, 32, 64, 96, 128))),
        Axis("tokens", "tokens in a row", tokens, _grown("tokens", (64, 128, 256, 384, 512))),
        Axis(
            "shared",
            "share of a row that is shared",
            tokens,
            _grown("shared", (0.0, 0.25, 0.5, 0.75, 0.9), LONG),
        ),
        Axis(
            "vocabulary",
            "words",
            "vocabulary",
            _grown("vocabulary", (4096, 16384, 32768, 65536, 131072)),
        ),
        Axis("blocks", "weights", "layer_weights", _grown("blocks", (2, 6, 12, 18, 24))),
    )


def _grown(name: str, values: tuple[float, ...], start: Point | None = None) -> tuple[Point, ...]:
    return tuple(replace(start or Point(), **{name: value}) for value in values)


def as_options(point: Point) -> list[str]:
    """The command line of `point` for a point."""
    return [part for name, value in asdict(point).items() for part in (f"--{name}", str(value))]
