"""What a training on a data file would cost, here and at hosted services, without training."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from tunery.config.data import DataSection
from tunery.config.section import Auto
from tunery.config.train import TrainSection
from tunery.data.cost import (
    HostedCost,
    MachineCost,
    MachinePrices,
    Requests,
    hosted_cost,
    machine_cost,
)
from tunery.data.epochs import epochs
from tunery.data.findings import Finding
from tunery.data.prices import Prices
from tunery.errors import DataError, UserError
from tunery.models.architecture import Architecture, read_architecture
from tunery.models.load import NO_LIMIT, set_threads
from tunery.models.open_template import open_template
from tunery.models.sources import fetch
from tunery.models.token_row import TokenRow
from tunery.pipelines.machine import describe_machine
from tunery.pipelines.prepare import read_file, render_rows
from tunery.train.device import memory_now, product_rate
from tunery.train.forecast import Forecast, forecast
from tunery.train.hyperparameters import batch_size, rank
from tunery.train.order import RowOrder
from tunery.train.plan import Choice

GIVEN = "given"

REPEATS = 30
"""Timed products of one measurement, of which the fastest counts: some hundredths of a second."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wants to know the cost of.

    Attributes:
        epochs: Passes over the rows.
        batch_size: Rows in a step.
        machine: What this machine costs.
        saved_tokens: Prompt tokens that a request needs no longer after the training; None for no
            break-even.
        saved_cached: Of these, tokens that are billed as cached input.
        per_day: Requests a day; None where nobody knows.
    """

    epochs: int | Auto = "auto"
    batch_size: int | Auto = "auto"
    machine: MachinePrices = field(default_factory=MachinePrices)
    saved_tokens: float | None = None
    saved_cached: float = 0.0
    per_day: float | None = None


@dataclass(frozen=True, slots=True)
class LocalCost:
    """A training on this machine.

    Attributes:
        machine: Which one, in words.
        rows: Rows that are trained here.
        too_long: Rows that are longer than the model's context, and left out here.
        forecast: Steps, time and memory; None where they are not known.
        reason: Why they are not; empty if they are.
        money: None as the forecast.
    """

    machine: str
    rows: int
    too_long: int
    forecast: Forecast | None
    reason: str
    money: MachineCost | None


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What a training would cost.

    Attributes:
        model: Whose tokenizer counted, and what would be trained here.
        total: Rows in the file; those counted plus those left out.
        rows: Rows that are counted.
        findings: What was found in the file, and in rows that cannot be trained.
        tokens: Of the rows that are counted, one epoch.
        supervised_tokens: Of these, tokens that are trained.
        epochs: Passes over the rows.
        choices: Epochs, rows in a step and rank, each with its reason.
        local: Here.
        hosted: At each service of the price table.
        requests: What the break-even reckons with; None without one.
    """

    model: str
    total: int
    rows: int
    findings: tuple[Finding, ...]
    tokens: int
    supervised_tokens: int
    epochs: int
    choices: tuple[Choice, ...]
    local: LocalCost
    hosted: tuple[HostedCost, ...]
    requests: Requests | None

    @property
    def left_out(self) -> int:
        """Rows that cannot be trained anywhere; each has an error among the findings."""
        return self.total - self.rows


def estimate(
    data: DataSection,
    model: str,
    home: Path,
    asked: Asked,
    prices: Prices,
    *,
    offline: bool,
    log: Callable[[str], None],
) -> CostEstimate:
    """Reads a file, counts its tokens and reckons; no weight of the model is loaded.

    Args:
        data: The file and how to read it.
        model: Whose tokenizer counts, and what would be trained here with LoRA.
        home: The home folder, which has or gets the model.
        asked: What to reckon with.
        prices: Of hosted services.
        offline: Stay off the network.
        log: Told where the model comes from.

    Raises:
        DataError: The file cannot be used, or no row of it can be trained.
        NotFoundError: The file or the model is not there.
        UserError: The model has no tokenizer or chat template that can be used.
    """
    files = fetch(model, home, offline=offline, log=log)
    template, context = open_template(files.folder)
    shape = _shape(files.folder)
    # Three times, with the work between: another program may have the processor for a while.
    rates = [_rate()]
    if not isinstance(data.train, Path):
        raise DataError("The costs of a mix cannot be estimated.", "Name one file.")
    read = read_file(data, data.train)
    rates.append(_rate())
    rows, refused = render_rows(read.rows, template, NO_LIMIT)
    rates.append(_rate())
    trained_here = [row for row in rows if len(row.ids) <= context]
    if not trained_here:
        raise DataError(
            f"No row of {data.train} can be trained on: {read.total} are in the file, {len(rows)} "
            f"can be rendered, none of these has at most {context} tokens.",
            "`tunery data check FILE` lists what is wrong with each row.",
        )
    supervised = sum(row.supervised for row in trained_here)
    passes = _chosen("train.epochs", asked.epochs, epochs(len(trained_here)))
    batch = _chosen("train.batch_size", asked.batch_size, batch_size(len(trained_here)))
    choices = [passes, batch]
    if not isinstance(shape, str):
        choices.append(
            _chosen("method.rank", "auto", rank(supervised, shape.lora_parameters(rank=1)))
        )
    requests = _requests(rows, asked)
    lengths = [len(row.ids) for row in rows]
    number = int(passes.value)
    return CostEstimate(
        model=files.name,
        total=read.total,
        rows=len(rows),
        findings=(*read.findings, *refused),
        tokens=sum(lengths),
        supervised_tokens=sum(row.supervised for row in rows),
        epochs=number,
        choices=tuple(choices),
        local=_local(shape, trained_here, len(rows), choices, asked.machine, max(rates)),
        hosted=tuple(
            hosted_cost(name, entry, lengths, number, requests) for name, entry in prices.items()
        ),
        requests=requests,
    )


def _rate() -> float:
    """Rate of a float32 product with the threads of a run, in GFLOP/s."""
    set_threads(TrainSection().threads)
    return product_rate(torch.float32, REPEATS)


def _shape(folder: Path) -> Architecture | str:
    """The model's numbers, or why they are not known."""
    try:
        return read_architecture(json.loads((folder / "config.json").read_text("utf-8")))
    except UserError as error:
        return error.message


def _chosen(name: str, given: int | Auto, found: tuple[int, str]) -> Choice:
    if given == "auto":
        return Choice(name, str(found[0]), found[1])
    return Choice(name, str(given), GIVEN)


def _requests(rows: Sequence[TokenRow], asked: Asked) -> Requests | None:
    """Requests like the rows: what is trained is the answer, the rest is the prompt."""
    if asked.saved_tokens is None:
        return None
    answers = sum(row.supervised for row in rows)
    everything = sum(len(row.ids) for row in rows)
    return Requests(
        prompt_tokens=(everything - answers) / len(rows),
        answer_tokens=answers / len(rows),
        saved_tokens=asked.saved_tokens,
        saved_cached=asked.saved_cached,
        per_day=asked.per_day,
    )


def _local(
    shape: Architecture | str,
    rows: Sequence[TokenRow],
    readable: int,
    choices: Sequence[Choice],
    prices: MachinePrices,
    gflops: float,
) -> LocalCost:
    machine, too_long = describe_machine(), readable - len(rows)
    if isinstance(shape, str):
        return LocalCost(machine, len(rows), too_long, None, shape, None)
    values = {choice.name: int(choice.value) for choice in choices}
    settings = TrainSection()
    found = forecast(
        shape,
        rows,
        RowOrder(rows, values["train.batch_size"], settings.batching, settings.seed),
        values["train.epochs"],
        rank=values["method.rank"],
        memory=memory_now(),
        gflops=gflops,
    )
    return LocalCost(machine, len(rows), too_long, found, "", machine_cost(found.seconds, prices))
