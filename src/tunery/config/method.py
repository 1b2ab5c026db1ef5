"""The `method` section: what is trained."""

from typing import Literal

from pydantic import Field

from tunery.config.section import Section


class MethodSection(Section):
    """What is trained."""

    name: Literal["sft"] = "sft"
    """`sft`: supervised fine-tuning, the assistant turns are learned."""

    rank: int = Field(default=16, ge=1, le=1024)
    """Rank of the LoRA matrices: capacity against size and speed. 16 suits most tasks."""

    alpha: float | None = Field(default=None, gt=0)
    """LoRA scale is alpha / rank; 2 x rank by default."""

    targets: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Names of the linear layers that get an adapter, such as `q_proj`; the catalog's choice by
    default, which is every linear layer of a block."""

    last_blocks: int | None = Field(default=None, ge=1)
    """Put adapters into the last so many blocks only; all by default. The blocks below are
    computed once for all epochs: 18 of 30 blocks take two thirds of the time of all."""
