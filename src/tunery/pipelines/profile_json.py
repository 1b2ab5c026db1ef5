"""A profile as one object for programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from tunery.data.histogram import Histogram
from tunery.pipelines.profile import Profile, TokenProfile
from tunery.pipelines.profile_estimates import estimates

BINS = 40
SHARES = {"p5": 0.05, "median": 0.5, "p95": 0.95}


def profile_document(profile: Profile) -> dict[str, Any]:
    """Everything that was measured; findings are counted by code, `data check` lists them."""
    rows = profile.rows
    codes = Counter((finding.severity, finding.code) for finding in profile.findings)
    return {
        "file": str(profile.file.path),
        "format": profile.file.format,
        "format_reason": profile.file.reason,
        "rows": profile.total,
        "looked_at": profile.looked_at,
        "used": profile.used,
        "left_out": profile.looked_at - profile.used,
        "kinds": dict(rows.kinds),
        "turns": histogram(rows.turns),
        "characters": histogram(rows.characters),
        "roles": {
            name: {
                "turns": role.turns,
                "rows": role.rows,
                "trained_turns": role.trained,
                "characters": histogram(role.characters),
            }
            for name, role in rows.roles.items()
        },
        "system_prompts": {
            "turns": sum(rows.systems.counts.values()) + rows.systems.beyond,
            "distinct": rows.systems.number,
            "most_frequent": rows.systems.most,
            "capped": bool(rows.systems.beyond),
        },
        "tools": {
            "rows": rows.calls.n,
            "distinct_lists": rows.tool_lists.number,
            "calls": rows.calls.total,
            "calls_by_tool": dict(rows.called.most_common()),
            "calls_of_other_tools": rows.uncounted_calls,
        },
        "labels": labels(profile),
        "duplicates": profile.duplicates,
        **_of_tokens(profile.tokens),
        "estimates": [asdict(estimate) for estimate in estimates(profile)],
        "findings": [
            {"code": code, "severity": severity, "count": count}
            for (severity, code), count in codes.most_common()
        ],
    }


def _of_tokens(tokens: TokenProfile) -> dict[str, Any]:
    batches = tokens.batches
    return {
        "tokens": {
            "rows": tokens.rows,
            "rows_not_counted": tokens.without,
            "limit": tokens.limit,
            "all": histogram(tokens.lengths),
            "trained": histogram(tokens.trained),
            "context": histogram(tokens.context),
            "trained_share": tokens.trained_share,
            "too_long": asdict(tokens.cut),
        },
        "sharing": {
            "batch_size": batches.batch_size,
            "batches_measured": batches.batches,
            "rows_measured": batches.rows,
            "saved_in_batches": batches.saved,
            "interval": None if batches.interval is None else asdict(batches.interval),
            "saved_in_one_batch_of_all_rows": tokens.shared_in_file,
        },
        "counting": {
            "distinct_texts": tokens.distinct_texts,
            "rows_assembled": tokens.assembled,
            "rows_rendered": tokens.rendered,
            "texts_forgotten": tokens.forgot,
        },
    }


def histogram(values: Histogram) -> dict[str, Any]:
    """Figures and bins of a histogram; `quantiles_exact` is false where values were rounded."""
    named = dict(zip(SHARES, values.quantiles(SHARES.values()), strict=True))
    return {
        "n": values.n,
        "total": values.total,
        "mean": values.mean,
        **named,
        "max": values.largest,
        "quantiles_exact": not values.rounded,
        "bins": [asdict(bar) for bar in values.bins(BINS)],
    }


def labels(profile: Profile) -> dict[str, int] | None:
    """Rows of each label, the most frequent first; None if the answers are no labels."""
    found = profile.rows.labels
    if not found.are_labels:
        return None
    counted = ((label, count) for label, (count, _) in found.counts.items())
    return dict(sorted(counted, key=lambda item: (-item[1], item[0])))
