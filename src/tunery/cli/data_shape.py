"""`tunery data split|mix|dedupe`: files made of the rows of other files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunery.cli.home import open_workspace
from tunery.cli.output import AsJson, note, say, show_json, show_table
from tunery.cli.reading import DataFile
from tunery.errors import UserError

if TYPE_CHECKING:
    from tunery.data.findings import Finding
    from tunery.data.shape.files import SplitResult

SHOWN_ROWS = 20
SHOWN_LABELS = 5

Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="File to write.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Chooses the rows; same seed, same rows.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to a group."""
    app.command("split")(split)
    app.command("mix")(mix)
    app.command("dedupe")(dedupe)


def split(
    context: typer.Context,
    file: DataFile,
    *,
    out_dir: Annotated[Path, typer.Option("--out-dir", metavar="DIR", help="Folder to write in.")],
    shares: Annotated[
        str, typer.Option(metavar="A,B,C", help="Training, validation and test; 0 leaves one out.")
    ] = "80,10,10",
    group_by: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Key of the rows or their metadata, or column, whose equal values stay together.",
            show_default="equal prompts",
        ),
    ] = None,
    stratify: Annotated[
        bool, typer.Option("--stratify", help="Give each part its share of every answer.")
    ] = False,
    stratify_by: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="As --stratify, by a key or column instead."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Take a sample of that many rows.", show_default="all")
    ] = None,
    first: Annotated[
        bool, typer.Option("--first", help="With --limit: the first rows, not a sample.")
    ] = False,
    seed: Seed = 0,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Split a file into training, validation and test rows, with no prompt in two of them.

    Rows keep the bytes that they have in FILE.

    Example: tunery data split all.jsonl --shares 80,10,10 --out-dir parts
    """
    from tunery.data.shape.files import SplitPlan, split_file

    plan = SplitPlan(
        shares=_numbers(shares),
        seed=seed,
        group_by=group_by,
        label=stratify_by or ("" if stratify else None),
        limit=limit,
        first=first,
    )
    result = split_file(_located(context, file), out_dir, plan, force=force)
    if as_json:
        parts = [{**asdict(part), "file": str(part.file)} for part in result.parts]
        show_json({**asdict(result), "parts": parts})
        return
    show_table(
        ("Part", "Rows", "Share", "Asked for", "File"),
        [
            (p.name, f"{p.rows:,}", f"{p.rows / total:.2%}", f"{p.wanted / total:.2%}", str(p.file))
            for total in [sum(part.rows for part in result.parts)]
            for p in result.parts
        ],
    )
    if plan.limit is not None:
        how = "the first rows" if first else f"a sample by seed {seed}"
        note(f"{result.not_taken:,} rows were not taken: --limit took {how}.")
    if result.without_key:
        note(f"{result.without_key:,} rows have no {group_by}; equal prompts stay together there.")
    _tell_missing_labels(result)
    _list_bad(result.listed)
    written = sum(part.rows for part in result.parts)
    listed = len(result.listed) + result.not_taken
    what = "listed" if plan.limit is None else "listed or not taken"
    _say_sum(result.total, written, listed, what)


def mix(
    context: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE:WEIGHT...", help="Files and their weights; 1 without one."),
    ],
    *,
    out: Out,
    rows: Annotated[
        int | None,
        typer.Option(
            min=1, help="Rows to write; a file too small for it is repeated.", show_default="most"
        ),
    ] = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Mix the rows of several files in the proportion of their weights.

    Without --rows, the mix is the largest in which no row is repeated.

    Example: tunery data mix own.jsonl:3 general.jsonl:1 --rows 1000 --out mixed.jsonl
    """
    from tunery.data.shape.files import mix_files

    pairs = [_weighted(text) for text in files]
    named = [(_located(context, path), weight) for path, weight in pairs]
    result = mix_files(named, out, rows, seed, force=force)
    if as_json:
        parts = [{**asdict(part), "file": str(part.file)} for part in result]
        show_json({"rows": sum(part.taken for part in result), "files": parts})
        return
    show_table(
        ("File", "Weight", "Rows in it", "In the mix", "Different", "Left out"),
        [
            (
                str(pairs[index][0]),
                f"{part.weight:g}",
                f"{part.total:,}",
                f"{part.taken:,}",
                f"{part.different:,}",
                f"{part.total - part.different:,}",
            )
            for index, part in enumerate(result)
        ],
    )
    for part in result:
        _list_bad(part.listed)
    total, different = sum(p.total for p in result), sum(p.different for p in result)
    repeated = sum(p.taken for p in result) - different
    _say_sum(total, different, total - different, "left out")
    say(f"{out}: {different + repeated:,} rows, {repeated:,} of them repetitions", style="bold")


def dedupe(
    context: typer.Context,
    file: DataFile,
    *,
    out: Out,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write a file without the rows that say the same as an earlier row.

    Only what is learned from is compared, not keys beside it such as metadata.

    Example: tunery data dedupe train.jsonl --out clean.jsonl
    """
    from tunery.data.shape.files import dedupe_file

    result = dedupe_file(_located(context, file), out, force=force)
    if as_json:
        dropped = [{"line": d.row, "same_as": d.of, "exact": d.exact} for d in result.dropped]
        show_json({**asdict(result), "dropped": dropped})
        return
    if result.dropped:
        show_table(
            ("Line", "Says the same as line"),
            [(f"{found.row}", f"{found.of}") for found in result.dropped[:SHOWN_ROWS]],
        )
        _note_more(len(result.dropped))
    _list_bad(result.listed)
    _say_sum(result.total, result.kept, len(result.dropped) + len(result.listed), "listed")


def _located(context: typer.Context, file: Path) -> Path:
    """The file, or the bytes of the data set that it names."""
    from tunery.config.dataset_name import dataset_of
    from tunery.data.library.opening import open_version

    wanted = dataset_of(file)
    return file if wanted is None else open_version(open_workspace(context).home, wanted).path


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UserError(
            f"The shares are {text!r:.80}; expected three numbers.", "Write them like 80,10,10."
        ) from None


def _weighted(text: str) -> tuple[Path, float]:
    """A file and its weight; a name without a number behind its last colon has the weight 1."""
    name, _, weight = text.rpartition(":")
    try:
        return (Path(name), float(weight)) if name not in ("", "library") else (Path(text), 1.0)
    except ValueError:
        return Path(text), 1.0


def _tell_missing_labels(result: SplitResult) -> None:
    known = {label for part in result.parts for label in part.labels}
    for part in result.parts:
        missing = sorted(known - part.labels.keys())
        if missing:
            names = ", ".join(f"{label:.30}" for label in missing[:SHOWN_LABELS])
            more = "" if len(missing) <= SHOWN_LABELS else " and others"
            note(f"{part.name} has no row of {len(missing)} label(s): {names}{more}")


def _list_bad(listed: Sequence[Finding]) -> None:
    if not listed:
        return
    show_table(
        ("Row", "Code", "What"),
        [(f"{f.file}:{f.line}", f.code, f.message) for f in listed[:SHOWN_ROWS]],
        title="Rows that cannot be used",
    )
    _note_more(len(listed))


def _note_more(number: int) -> None:
    if number > SHOWN_ROWS:
        note(f"These are the first {SHOWN_ROWS} of {number:,}; `--json` lists all.")


def _say_sum(total: int, written: int, rest: int, what: str) -> None:
    say(f"{total:,} rows in = {written:,} rows out + {rest:,} rows {what}", style="bold")
