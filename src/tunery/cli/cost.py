"""`tunery data cost`: what a training on a file would cost, here and elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
from tunery.errors import UserError

if TYPE_CHECKING:
    from tunery.data.cost import BreakEven, HostedCost, Requests
    from tunery.data.prices import PriceEntry
    from tunery.pipelines.cost import CostEstimate, LocalCost

WARNING = (
    "Prices change: look at the service's page before you pay. OpenAI starts no new fine-tuning "
    "jobs from 6 January 2027."
)
GIB = 2**30


def cost_of_data(
    context: typer.Context,
    file: DataFile,
    *,
    model: Annotated[
        str, typer.Option("--model", "-m", help="Base model, as in a run.", show_default=False)
    ],
    epochs: Annotated[str, typer.Option(metavar="N|auto", help="Passes over the rows.")] = "auto",
    batch_size: Annotated[str, typer.Option(metavar="N|auto", help="Rows in a step.")] = "auto",
    saved: Annotated[
        float | None,
        typer.Option(
            "--prompt-tokens-saved",
            metavar="N",
            min=0,
            help="Prompt tokens that today's requests have and the rows have not: break-even.",
        ),
    ] = None,
    cached: Annotated[
        float,
        typer.Option(
            "--prompt-tokens-cached",
            metavar="N",
            min=0,
            help="Of the saved tokens, those billed as cached input.",
        ),
    ] = 0.0,
    per_day: Annotated[
        float | None,
        typer.Option("--requests-per-day", metavar="N", min=1, help="Requests to the model."),
    ] = None,
    per_hour: Annotated[
        float, typer.Option("--price-per-hour", metavar="USD", min=0, help="Of this machine.")
    ] = 0.0,
    watts: Annotated[float, typer.Option(min=0, help="This machine draws while it trains.")] = 0.0,
    per_kwh: Annotated[
        float, typer.Option("--price-per-kwh", metavar="USD", min=0, help="Of electricity.")
    ] = 0.0,
    prices: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="YAML with prices that add to, or replace, those delivered."
        ),
    ] = None,
    format: FormatOption = "auto",
    prompt_column: PromptColumn = None,
    completion_column: CompletionColumn = None,
    system_column: SystemColumn = None,
    system: SystemPrompt = None,
    as_json: AsJson = False,
) -> None:
    """Say what a training on a file would cost: tokens, time, memory and money.

    Nothing is trained and no weight is loaded; the model's tokenizer counts, so the model is
    fetched first if it is not here. Prices: those delivered, then prices.yaml in the home folder,
    then --prices.

    Example: tunery data cost train.jsonl --model smollm2-135m-instruct --prompt-tokens-saved 600
    """
    # Imported here: they load torch, which `tunery --help` must not wait for.
    from tunery.config.data import DataSection
    from tunery.data.cost import MachinePrices
    from tunery.data.prices import TABLE, load_prices
    from tunery.pipelines.cost import Asked, estimate

    workspace = open_workspace(context)
    own = workspace.home / TABLE
    tables = ([own] if own.exists() else []) + ([prices] if prices else [])
    asked = Asked(
        epochs=_count(epochs, "--epochs"),
        batch_size=_count(batch_size, "--batch-size"),
        machine=MachinePrices(per_hour, watts, per_kwh),
        saved_tokens=saved,
        saved_cached=cached,
        per_day=per_day,
    )
    columns = column_mapping(prompt_column, completion_column, system_column)
    found = estimate(
        DataSection(train=file, format=format, columns=columns, system=system),
        model,
        workspace.home,
        asked,
        load_prices(tables),
        offline=workspace.offline,
        log=note,
    )
    if as_json:
        show_json(_document(file, found))
    else:
        _show(file, found)


def _count(text: str, option: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    if re.fullmatch("[1-9][0-9]{0,5}", text):
        return int(text)
    raise UserError(
        f"{option} is {text!r}; expected auto or a whole number from 1 to 999999.", "Correct it."
    )


def _document(file: Path, found: CostEstimate) -> dict[str, object]:
    plan = found.local.forecast
    return {
        "file": str(file),
        "model": found.model,
        "rows": {"total": found.total, "counted": found.rows, "left_out": found.left_out},
        "tokens": {
            "epoch": found.tokens,
            "trained": found.supervised_tokens,
            "all_epochs": found.tokens * found.epochs,
        },
        "choices": [asdict(choice) for choice in found.choices],
        "requests": asdict(found.requests) if found.requests else None,
        "here": asdict(found.local) | {"fits": plan.fits if plan else None},
        "hosted": [_hosted_document(cost) for cost in found.hosted],
        "findings": [asdict(finding) for finding in found.findings],
        "warning": WARNING,
    }


def _hosted_document(cost: HostedCost) -> dict[str, object]:
    return asdict(cost) | {"entry": cost.entry.model_dump(mode="json")}


def _show(file: Path, found: CostEstimate) -> None:
    say(f"{file}, counted with the tokenizer of {found.model}", style="bold")
    rows = f"{found.rows:,} of {found.total:,}"
    if found.left_out:
        rows += f"; {found.left_out:,} cannot be trained, `tunery data check` says why"
    facts = [
        ("rows", rows),
        ("tokens", f"{found.tokens:,}, of these {found.supervised_tokens:,} trained"),
        *((choice.name, f"{choice.value} ({choice.reason})") for choice in found.choices),
        ("training tokens", f"{found.tokens * found.epochs:,} in all epochs"),
    ]
    show_facts(facts)
    say("")
    say("On this machine", style="bold")
    show_facts(_here(found.local))
    say("")
    show_table(
        ("Service", "Training", "Billed tokens", "Hosting a day", "Price", "As of"),
        [_hosted_cells(cost) for cost in found.hosted],
        title="At hosted services, in US dollars (their own tokenizers may count otherwise)",
    )
    _note_remarks(found.hosted)
    if found.requests is not None:
        say("")
        _show_break_even(found.hosted, found.requests)
    note(WARNING, style="yellow")


def _here(local: LocalCost) -> list[tuple[str, str]]:
    facts = [("machine", local.machine)]
    if local.too_long:
        facts.append(("left out", f"{local.too_long:,} rows longer than the model's context"))
    if local.forecast is None or local.money is None:
        return [*facts, ("time, memory", f"not known: {local.reason}")]
    plan = local.forecast
    memory = f"{plan.peak_bytes / GIB:.2f} GiB, {plan.available_bytes / GIB:.2f} GiB are available"
    if not plan.fits:
        memory += ": too little"
    elif plan.recompute:
        memory += "; blocks are computed again in the backward pass"
    money = local.money
    price = f"{_dollars(money.total)} ({_dollars(money.rent)} for the machine, "
    price += f"{_dollars(money.energy)} for {money.kwh:.3g} kWh)"
    how = f"reckoned from the architecture, at {plan.gflops:,.0f} GFLOP/s, the best of three tries"
    unpriced = "not known; give --price-per-hour, or --watts and --price-per-kwh"
    return [
        *facts,
        ("steps", f"{plan.steps:,}; {plan.unique_tokens:,} tokens computed in an epoch"),
        ("time", f"about {_duration(plan.seconds)}, {how}"),
        ("memory", f"about {memory}"),
        ("price", price if money.total else unpriced),
    ]


def _hosted_cells(cost: HostedCost) -> tuple[str, ...]:
    hosting = _dollars(cost.hosting_per_day) if cost.hosting_per_day else "-"
    price = f"{cost.entry.training:g} a million"
    return (
        cost.name,
        _dollars(cost.training),
        f"{cost.tokens:,}",
        hosting,
        price,
        _as_of(cost.entry),
    )


def _as_of(entry: PriceEntry) -> str:
    return f"{entry.as_of}, {entry.source}"


def _note_remarks(hosted: Sequence[HostedCost]) -> None:
    """What else is to be known of the services, each sentence once."""
    names: dict[str, list[str]] = {}
    for cost in hosted:
        for line in _remarks(cost):
            names.setdefault(line, []).append(cost.name)
    for line, services in names.items():
        note(f"{', '.join(services)}: {line}")


def _remarks(cost: HostedCost) -> Iterator[str]:
    entry = cost.entry
    if cost.cut_rows and entry.longest_row:
        yield f"rows are cut at {entry.longest_row:,} tokens, {cost.cut_rows:,} of these"
    if entry.closes:
        yield f"no new training from {entry.closes}"
    if entry.ends:
        yield f"the tuned model no longer answers from {entry.ends}"
    if entry.note:
        yield entry.note


def _show_break_even(hosted: Sequence[HostedCost], requests: Requests) -> None:
    known = [(cost.name, cost.break_even) for cost in hosted if cost.break_even]
    show_table(
        ("Service", "Saved a request", "Pays for itself after"),
        [(name, f"{even.saving:.3g}", _even_text(even)) for name, even in known],
        title=(
            f"Break-even, with requests like the rows: {requests.prompt_tokens:.0f} prompt and "
            f"{requests.answer_tokens:.0f} answer tokens, {requests.saved_tokens:g} prompt tokens "
            "less than before"
        ),
    )
    unknown = [cost.name for cost in hosted if cost.break_even is None]
    if unknown:
        note(f"No break-even, as the table has no prices of requests: {', '.join(unknown)}")


def _even_text(even: BreakEven) -> str:
    if even.requests is None:
        return even.reason
    days = "" if even.days is None else f", {even.days:,.1f} days"
    return f"{even.requests:,} requests{days}"


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}" if amount >= 0.01 or amount == 0 else f"${amount:.2g}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:,.1f} h"
