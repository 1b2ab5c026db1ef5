"""The `evaluate` section: how the result is compared with the base model."""

from pydantic import Field

from tunery.config.section import Section


class EvaluateSection(Section):
    """How the result is compared with the base model on the rows of `data.test`."""

    max_tokens: int = Field(default=128, ge=1)
    """Longest answer in tokens."""

    batch_size: int = Field(default=32, ge=1)
    """Rows answered at once."""

    limit: int | None = Field(default=None, ge=1)
    """Compare on at most this many rows, the first ones of the file; all by default."""
