"""How many passes over the rows a training makes when nobody says."""

from __future__ import annotations

TARGET_EPOCHS, FEWEST_EPOCHS, MOST_EPOCHS = 3, 1, 25
FEWEST_VISITS, MOST_VISITS = 100, 25_000
"""Rows times epochs stays between these where the number of epochs can be chosen so."""


def epochs(rows: int) -> tuple[int, str]:
    """Passes over the rows, as in OpenAI's cookbook ("Chat_finetuning_data_prep").

    Three; more, up to 25, where that is fewer than 100 rows in all; fewer above 25,000.

    Args:
        rows: Rows that are trained on, at least 1. The cookbook counts all rows of the file, those
            that its own check refuses too.

    Returns:
        The number, and the reason in words.
    """
    visits = rows * TARGET_EPOCHS
    if visits < FEWEST_VISITS:
        chosen = min(MOST_EPOCHS, FEWEST_VISITS // rows)
        return (
            chosen,
            f"{rows} rows are few: about {FEWEST_VISITS} rows in all, {MOST_EPOCHS} at most",
        )
    if visits > MOST_VISITS:
        chosen = max(FEWEST_EPOCHS, MOST_VISITS // rows)
        return chosen, f"{rows} rows are many: about {MOST_VISITS} rows in all"
    return TARGET_EPOCHS, f"what OpenAI's cookbook takes for {rows} rows"
