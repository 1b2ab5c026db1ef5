"""A profile in sentences: the figures that a person looks for first."""

from __future__ import annotations

from tunery.evaluate.wording import brackets, percent
from tunery.pipelines.profile import Profile


def facts(profile: Profile) -> list[tuple[str, str]]:
    """Names and values, in the order in which they matter."""
    rows, tokens = profile.rows, profile.tokens
    found = [
        ("Rows", _rows(profile)),
        ("Duplicates", f"{profile.duplicates:,}" if profile.duplicates else "none"),
        ("System prompts", _systems(profile)),
        (
            "Tokens",
            f"{tokens.lengths.total:,}, of which {tokens.trained.total:,} "
            f"({percent(tokens.trained_share)}) are trained",
        ),
        ("Too long", _too_long(profile)),
        ("Shared beginnings", _sharing(profile)),
    ]
    if rows.calls.n:
        found.insert(
            3,
            (
                "Tools",
                f"{rows.calls.n:,} rows with tools or calls, {rows.tool_lists.number:,} different "
                f"lists of tools, {rows.calls.total:,} calls",
            ),
        )
    if tokens.without:
        found.append(("Not counted", f"{tokens.without:,} rows that are no conversations"))
    return found


def _rows(profile: Profile) -> str:
    whole = "in the file" if profile.looked_at == profile.total else "in the sample"
    left_out = profile.looked_at - profile.used
    return f"{profile.looked_at:,} {whole}: {profile.used:,} used, {left_out:,} with errors"


def _systems(profile: Profile) -> str:
    systems = profile.rows.systems
    turns = sum(systems.counts.values()) + systems.beyond
    if not turns:
        return "none"
    least = "at least " if systems.beyond else ""
    return f"{turns:,}, {least}{systems.number:,} different"


def _too_long(profile: Profile) -> str:
    cut = profile.tokens.cut
    if not cut.rows:
        return f"none; at most {profile.tokens.limit:,} tokens fit"
    return (
        f"{cut.rows:,} rows have more than {profile.tokens.limit:,} tokens and are left out. Cut "
        f"there, they would lose {cut.tokens:,} tokens, {cut.trained:,} of them trained; "
        f"{cut.without_answer:,} would have no trained token left"
    )


def _sharing(profile: Profile) -> str:
    tokens, batches = profile.tokens, profile.tokens.batches
    if not batches.tokens:
        return "nothing to measure"
    interval = f" {brackets(batches.interval)}" if batches.interval else ""
    return (
        f"batches of {batches.batch_size} rows save {percent(batches.saved)}{interval} of the "
        f"tokens (measured on {batches.batches:,} shuffled batches); one batch of all rows would "
        f"save {percent(tokens.shared_in_file)}"
    )
