"""What stays of a run: its summary, and what a report says about it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tunery.config.run import RunConfig
from tunery.evaluate.about import About, Curves, HardRow
from tunery.models.sources import ModelFiles
from tunery.pipelines.machine import describe_machine, versions
from tunery.pipelines.prepare import PreparedData
from tunery.track.event_log import EventLog
from tunery.train.run import TrainResult, peak_memory


def loss_curves(events: EventLog) -> Curves:
    """The losses that a run has logged."""
    return Curves(
        train_loss=[(event["step"], event["loss"]) for event in events.read("step")],
        validation_loss=[(event["step"], event["loss"]) for event in events.read("validation")],
    )


def about_run(
    config: RunConfig,
    files: ModelFiles,
    data: PreparedData,
    result: TrainResult,
    seconds: dict[str, float],
    hardest: tuple[HardRow, ...],
) -> About:
    """What the report says of a run."""
    notes = [*data.notes, *(f"{c.name}: {c.value} ({c.reason})" for c in result.plan.choices)]
    rows = {(f.file, f.line) for f in data.findings if f.severity == "error"}
    if rows:
        notes.append(f"{len(rows)} rows were left out; findings.jsonl lists them.")
    return About(
        title=config.name,
        created=time.strftime("%Y-%m-%d %H:%M %Z"),
        model=f"{config.model}, from {files.source}",
        machine=describe_machine(),
        data=data.files,
        settings=config.model_dump(mode="json"),
        versions=versions(),
        seconds=seconds,
        peak_memory_bytes=peak_memory(),
        notes=tuple(notes),
        hardest=hardest,
    )


def write_summary(
    folder: Path,
    config: RunConfig,
    files: ModelFiles,
    data: PreparedData,
    result: TrainResult,
    seconds: dict[str, float],
    hardest: tuple[HardRow, ...],
) -> None:
    """Writes `run.json`: the plan, what it took, and what stands out."""
    summary: dict[str, Any] = {
        "name": config.name,
        "model": config.model,
        "source": files.source,
        "data": [asdict(file) for file in data.files],
        "data_notes": list(data.notes),
        "plan": asdict(result.plan),
        "train_seconds": result.seconds,
        "peak_bytes": peak_memory(),
        "memory": {
            "estimated_peak_bytes": result.plan.peak_bytes,
            "measured_peak_bytes": result.peak_bytes,
            "error": round(result.memory_error, 4),
        },
        "last_step": result.last_step,
        "taken_step": result.taken_step,
        "best_validation": None if result.best is None else asdict(result.best),
        "hardest_rows": [asdict(row) for row in hardest],
        "stages": seconds,
        "machine": describe_machine(),
        "versions": versions(),
    }
    (folder / "run.json").write_text(json.dumps(summary, indent=2) + "\n", "utf-8")
