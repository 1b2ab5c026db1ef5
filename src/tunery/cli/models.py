"""`tunery models`: the catalog, what was tuned, and what is on this machine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunery.cli.home import open_workspace
from tunery.cli.output import AsJson, note, say, show_facts, show_json, show_table

if TYPE_CHECKING:
    from tunery.models.catalog import CatalogEntry
    from tunery.models.footprint import Footprint
    from tunery.models.registry import TunedModel
    from tunery.models.sources import ModelFiles
    from tunery.workspace import Workspace

app = typer.Typer(no_args_is_help=True, help="See, inspect and fetch models.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a model.", show_default=False)]


@app.command("list")
def list_models(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the models that can be tuned, and those that were.

    Any chat model on the Hugging Face Hub and any local folder works too.

    Example: tunery models list
    """
    from tunery.models.catalog import load_catalog
    from tunery.models.sources import fetched_models

    workspace = open_workspace(context)
    catalog = load_catalog()
    fetched = {files.name: files for files in fetched_models(workspace.home)}
    others = [files for name, files in fetched.items() if name not in catalog]
    tuned = workspace.tuned()
    for damaged in workspace.damaged():
        note(str(damaged))
    if as_json:
        show_json(
            {
                "catalog": [_entry_facts(entry, fetched) for entry in catalog.values()],
                "other": [_files_facts(files) for files in others],
                "tuned": [_tuned_facts(model) for model in tuned],
            }
        )
        return
    show_table(
        ("Name", "Weights", "Context", "Licence", "Tunable", "LoRA memory", "Here"),
        [
            (
                entry.name,
                count(entry.parameters),
                f"{entry.context:,}",
                entry.licence.name,
                entry.tunable,
                gib(entry.footprint.lora_gib),
                "yes" if entry.name in fetched else "no",
            )
            for entry in catalog.values()
        ],
        title="Catalog",
    )
    if others:
        show_table(
            ("Name", "From"),
            [(files.name, files.source) for files in others],
            title="Also on this machine",
        )
    if not tuned:
        note("Nothing has been tuned yet; `tunery quickstart` tunes a first model.")
        return
    show_table(
        ("Name", "Base", "Created", "Run"),
        [(model.name, model.base, _local_time(model.created), model.run) for model in tuned],
        title="Tuned models",
    )


@app.command("show")
def show_model(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Show everything that is known about one model.

    Example: tunery models show qwen3-0.6b
    """
    from tunery.models.catalog import load_catalog
    from tunery.models.sources import fetched_models

    workspace = open_workspace(context)
    fetched = {files.name: files for files in fetched_models(workspace.home)}
    for model in workspace.tuned():
        if model.name == name:
            _show(_tuned_facts(model), as_json=as_json)
            return
    if entry := load_catalog().get(name.lower()):
        facts = _entry_facts(entry, fetched)
    elif name in fetched:
        facts = _files_facts(fetched[name])
    else:
        raise _not_found(name, workspace, [*load_catalog(), *fetched])
    _show(facts, as_json=as_json)


@app.command("pull")
def pull_model(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A catalog name, a Hugging Face id such as Qwen/Qwen3-0.6B, or a GGUF file.",
            show_default=False,
        ),
    ],
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare every byte of a model that is here already.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch a model into the home folder, unless it is there.

    Example: tunery models pull smollm2-135m-instruct
    """
    from tunery.models.catalog import load_catalog

    if entry := load_catalog().get(name.lower()):
        for condition in entry.conditions:
            note(f"{entry.name}: {condition}")
    files = open_workspace(context).fetch(name, note, verify=verify)
    if as_json:
        show_json(_files_facts(files))
    else:
        say(f"{files.name} is in {files.folder}")


def count(number: int) -> str:
    """A large number in three digits: "135 M", "1.71 B"."""
    for size, unit in ((10**9, "B"), (10**6, "M")):
        if number >= 0.9995 * size:  # so that it is 1.00 B and not 1000 M
            value = number / size
            return f"{value:.2f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{number:,}"


def gib(size: float) -> str:
    """GiB with one digit: "1.9 GiB"."""
    return f"{size:.1f} GiB"


def _entry_facts(entry: CatalogEntry, fetched: dict[str, ModelFiles]) -> dict[str, Any]:
    """What `--json` says of a model of the catalog; the keys are only ever added to."""
    files = fetched.get(entry.name)
    return {
        "kind": "catalog",
        "name": entry.name,
        "title": entry.title,
        "parameters": entry.parameters,
        "context": entry.context,
        "licence": entry.licence.name,
        "licence_url": entry.licence.url,
        "tunable": entry.tunable,
        "conditions": list(entry.conditions),
        "gated": entry.gated,
        "memory_gib": _memory(entry.footprint),
        "lora_targets": list(entry.lora_targets),
        "sources": [source.model_dump(mode="json") for source in entry.sources],
        "here": files is not None,
        "folder": str(files.folder) if files else None,
        "fetched_from": files.source if files else None,
    }


def _files_facts(files: ModelFiles) -> dict[str, Any]:
    return {
        "kind": "files",
        "name": files.name,
        "folder": str(files.folder),
        "fetched_from": files.source,
    }


def _tuned_facts(model: TunedModel) -> dict[str, Any]:
    return {
        "kind": "tuned",
        "name": model.name,
        "base": model.base,
        "created": model.created,
        "run": model.run,
        "folder": str(model.folder),
    }


def _memory(footprint: Footprint) -> dict[str, float]:
    return {
        "inference": round(footprint.inference_gib, 2),
        "lora": round(footprint.lora_gib, 2),
        "full": round(footprint.full_gib, 2),
    }


def _show(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(facts)
    else:
        show_facts(
            (key.removesuffix("_gib").replace("_", " "), _worded(key, value))
            for key, value in facts.items()
            if value not in (None, [])
        )


def _worded(key: str, value: Any) -> str:
    """A value of `--json` as a person reads it."""
    match key, value:
        case _, bool():
            return "yes" if value else "no"
        case "parameters", _:
            return f"{value:,} ({count(value)})"
        case "context", _:
            return f"{value:,} tokens"
        case "created", _:
            return _local_time(value)
        case "memory_gib", _:
            return "\n".join(f"{method} {gib(size)}" for method, size in value.items())
        case "sources", _:
            return "\n".join(_source(source) for source in value)
        case "conditions", _:
            return "\n".join(value)
        case _, list():
            return ", ".join(value)
    return str(value)


def _source(source: dict[str, Any]) -> str:
    if source["kind"] == "hub":
        gate = ", after its licence was accepted on its page" if source["gated"] else ""
        return f"Hugging Face Hub {source['repo']}{gate}"
    size = source["size_bytes"] / 1e6
    return f"Python package {source['requirement']} ({size:.0f} MB; {source['note']})"


def _local_time(created: int) -> str:
    return f"{datetime.fromtimestamp(created, UTC).astimezone():%Y-%m-%d %H:%M}"


def _not_found(name: str, workspace: Workspace, known: list[str]) -> Exception:
    from tunery.data.wording import nearest, quote
    from tunery.errors import NotFoundError

    near = nearest(name, [*known, *(model.name for model in workspace.tuned())])
    return NotFoundError(
        f"There is no model {quote(name)} in the catalog, among the tuned models or in "
        f"{workspace.home}.",
        f"Did you mean {near}?" if near else "`tunery models list` shows what there is.",
    )
