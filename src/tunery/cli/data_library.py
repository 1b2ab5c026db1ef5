"""`tunery data add|list|show|rm`: the library of data sets."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunery.cli.home import open_workspace
from tunery.cli.output import AsJson, note, say, show_facts, show_json, show_table
from tunery.cli.reading import (
    CompletionColumn,
    DataFile,
    FormatOption,
    PromptColumn,
    SystemColumn,
    SystemPrompt,
    column_mapping,
)

if TYPE_CHECKING:
    from tunery.data.library.version import Dataset, Version

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Name of a data set, or NAME@v2 for a version.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the commands to a group."""
    app.command("add")(add_dataset)
    app.command("list")(list_datasets)
    app.command("show")(show_dataset)
    app.command("rm")(remove_dataset)


def add_dataset(
    context: typer.Context,
    file: DataFile,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the data set.")],
    *,
    licence: Annotated[str, typer.Option(help="How the rows may be used; a note.")] = "",
    source: Annotated[str, typer.Option(help="Where the rows come from; a note.")] = "",
    format: FormatOption = "auto",
    prompt_column: PromptColumn = None,
    completion_column: CompletionColumn = None,
    system_column: SystemColumn = None,
    system: SystemPrompt = None,
    as_json: AsJson = False,
) -> None:
    """Keep a copy of a file as the next version of a data set.

    A run names it as data.train: library:NAME, or library:NAME@v2 for that version.

    Example: tunery data add train.jsonl support
    """
    from tunery.config.dataset_name import parse_dataset
    from tunery.data.library.adding import add, look_at

    columns = column_mapping(prompt_column, completion_column, system_column)
    added = add(
        open_workspace(context).home,
        file,
        parse_dataset(name),
        look=partial(look_at, format=format, columns=columns, system=system),
        licence=licence,
        source=source,
    )
    dataset, version = added.dataset, added.version
    full = dataset.named(version)
    if as_json:
        show_json({"new": added.is_new, **_facts(dataset, version)})
        return
    if added.is_new:
        say(f"Added {full}: {_rows(version)}, {version.size_bytes:,} bytes")
    else:
        say(f"{file} is {full} already: the same bytes, so no new version was made.")
        if version != dataset.newest:
            newest = dataset.named(dataset.newest)
            note(f"The newest version is still {newest}; name {full} to use these bytes.")
    say(f"Train on it with: data.train: {full.path}")


def list_datasets(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the data sets of the library with their newest versions.

    Example: tunery data list
    """
    from tunery.data.library.store import all_datasets
    from tunery.data.library.version import Dataset

    found = all_datasets(open_workspace(context).home)
    for damaged in found:
        if not isinstance(damaged, Dataset):
            note(str(damaged))
    datasets = [item for item in found if isinstance(item, Dataset) and item.versions]
    if as_json:
        show_json([_all_facts(dataset) for dataset in datasets])
        return
    if not datasets:
        note("The library is empty; `tunery data add FILE NAME` adds a data set.")
        return
    show_table(
        ("Name", "Version", "Rows", "Format", "Bytes", "Added", "File"),
        [
            (
                dataset.name,
                f"v{dataset.newest.number}",
                f"{dataset.newest.contents.rows:,}",
                dataset.newest.contents.format,
                f"{dataset.newest.size_bytes:,}",
                _date(dataset.newest.added),
                dataset.newest.file,
            )
            for dataset in datasets
        ],
    )


def show_dataset(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Show what is known of a data set, and that its bytes are those that were added.

    Example: tunery data show support@v2
    """
    from tunery.config.dataset_name import parse_dataset
    from tunery.data.library.opening import open_version
    from tunery.data.library.store import find_version

    home, wanted = open_workspace(context).home, parse_dataset(name)
    dataset, version = find_version(home, wanted)
    opened = open_version(home, dataset.named(version))
    if as_json:
        show_json({**_facts(dataset, version), "path": str(opened.path), "all": _all(dataset)})
        return
    findings = version.contents.findings.items()
    facts = [
        ("Name", str(dataset.named(version))),
        ("Rows", _rows(version)),
        ("Format", version.contents.format),
        ("Findings", ", ".join(f"{code} {count:,}" for code, count in findings) or "none"),
        ("SHA-256", f"{version.sha256} (compared with the file)"),
        ("Bytes", f"{version.size_bytes:,}"),
        ("Added", f"{_date(version.added)}, from {version.file}"),
        ("Licence", version.licence),
        ("Source", version.source),
        ("Path", str(opened.path)),
        ("Versions", ", ".join(f"v{known.number}" for known in dataset.versions)),
    ]
    show_facts((heading, text) for heading, text in facts if text)


def remove_dataset(
    context: typer.Context,
    name: Name,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Remove it although a run names it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a version of a data set, or all of them; bytes that others use stay.

    Example: tunery data rm support@v1
    """
    from tunery.config.dataset_name import parse_dataset
    from tunery.data.library.removal import remove

    removed = remove(open_workspace(context).home, parse_dataset(name), force=force)
    if as_json:
        show_json(
            {
                "removed": [version.number for version in removed.versions],
                "freed_bytes": removed.freed_bytes,
                "runs": list(removed.runs),
            }
        )
        return
    gone = ", ".join(f"v{version.number}" for version in removed.versions)
    say(f"Removed {gone} of {name.partition('@')[0]}; {removed.freed_bytes:,} bytes are free.")
    if removed.runs:
        note(f"These runs name it and cannot be run again: {', '.join(removed.runs)}")


def _all_facts(dataset: Dataset) -> dict[str, Any]:
    return {"name": dataset.name, "versions": _all(dataset)}


def _all(dataset: Dataset) -> list[dict[str, Any]]:
    return [_facts(dataset, version) for version in dataset.versions]


def _facts(dataset: Dataset, version: Version) -> dict[str, Any]:
    return {"name": dataset.name, "version": f"v{version.number}", **asdict(version)}


def _rows(version: Version) -> str:
    contents = version.contents
    left_out = contents.rows - contents.used
    note = f" ({left_out:,} of them with errors)" if left_out else ""
    return f"{contents.rows:,} row{'' if contents.rows == 1 else 's'}{note}"


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
