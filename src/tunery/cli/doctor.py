"""`tunery doctor`: what this machine is, and whether it can train."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from tunery.cli.home import open_workspace
from tunery.cli.output import AsJson, say, show_error, show_facts, show_json

if TYPE_CHECKING:
    from tunery.cli.diagnosis import Diagnosis

EXIT_CANNOT_TRAIN = 1


def doctor(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Look at this machine: versions, processor, memory, disk and home folder.

    Ends with 1 if something makes training impossible. The network is not tried.

    Example: tunery doctor
    """
    from tunery.cli.diagnosis import Probes, diagnose

    report(diagnose(open_workspace(context), Probes()), as_json=as_json)


def report(found: Diagnosis, *, as_json: bool) -> None:
    """Prints a diagnosis and ends the command.

    Raises:
        typer.Exit: With 1, if training is impossible.
    """
    if as_json:
        problems = [asdict(problem) for problem in found.problems]
        show_json({**found.facts, "can_train": not problems, "problems": problems})
    else:
        show_facts(_lines(found.facts))
        for problem in found.problems:
            show_error(problem.message, problem.hint)
        if not found.problems:
            say("This machine can train.", style="green")
    if found.problems:
        raise typer.Exit(EXIT_CANNOT_TRAIN)


def _lines(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The facts as a person reads them."""
    yield "Tunery", facts["tunery"]
    yield "Python", f"{facts['python']} ({facts['python_path']})"
    yield "Platform", facts["platform"]
    yield "Processor", f"{facts['processor']}, {facts['cores']} cores"
    units = facts["processor_units"]
    if units is not None:
        yield "Fast products by", ", ".join(units) or "nothing special"
    if "compute_type" in facts:
        yield "Computes in", f"{facts['compute_type']} on the CPU: {facts['compute_reason']}"
    yield "Memory", f"{facts['memory_gib']} GiB, {facts['memory_free_gib']} GiB free"
    if facts["largest_tunable"]:
        yield "Largest to tune", f"{facts['largest_tunable']}, with LoRA in the free memory"
    rights = "writable" if facts["home_writable"] else "not writable"
    yield "Home folder", f"{facts['home']} ({rights}, {facts['home_free_gib']} GiB free)"
    yield "Models", f"{facts['fetched_models']} fetched, {facts['tuned_models']} tuned"
    for damaged in facts["damaged_models"]:
        yield "Damaged", damaged
    yield (
        "Network",
        "switched off, models come from this machine"
        if facts["offline"]
        else "allowed (not tried)",
    )
    yield "Libraries", ", ".join(f"{k} {v or 'missing'}" for k, v in facts["versions"].items())
