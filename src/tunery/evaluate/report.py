"""Writes what was measured: one file for programs, one for people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tunery.evaluate.about import About, Curves
from tunery.evaluate.comparison import Comparison
from tunery.evaluate.report_html import report_page
from tunery.evaluate.report_json import report_document


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where a report is.

    Attributes:
        json: `report.json`, everything that was measured.
        html: `report.html`, one self-contained page.
    """

    json: Path
    html: Path


def write_report(comparison: Comparison, curves: Curves, about: About, folder: Path) -> ReportFiles:
    """Writes `report.json` and `report.html` into `folder`, which is made if it is not there.

    Args:
        comparison: What `run.compare` found.
        curves: Losses of the training; empty curves are left out.
        about: What was run.
        folder: Where to write; files of these names are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = ReportFiles(folder / "report.json", folder / "report.html")
    document = report_document(comparison, curves, about)
    files.json.write_text(
        json.dumps(document, indent=2, allow_nan=False, default=str) + "\n", encoding="utf-8"
    )
    page = report_page(comparison, curves, about)
    # Half of a surrogate pair can come out of JSON; it has no UTF-8 form and is shown as \udXXX.
    files.html.write_bytes(page.encode("utf-8", errors="backslashreplace"))
    return files
