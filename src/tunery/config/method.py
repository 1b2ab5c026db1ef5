"""The `method` section: what is trained."""

from typing import Annotated, Literal

from pydantic import Field

from tunery.config.section import Auto, Section


class MethodSection(Section):
    """What is trained."""

    name: Literal["sft"] = "sft"
    """`sft`: supervised fine-tuning, the assistant turns are learned."""

    kind: Literal["lora", "full"] = "lora"
    """`lora`: small matrices beside the frozen weights. `full`: the weights themselves, all or
    those of `targets` and blocks; a full copy of the model, 16 bytes a trained weight in memory
    and 12 in each checkpoint. `rank`, `alpha`, `rslora` and `dora` are LoRA's."""

    rank: Annotated[int, Field(ge=1, le=1024)] | Auto = "auto"
    """Rank of the LoRA matrices: capacity against size and speed. `auto` takes 16, more where the
    rows have so many trained tokens that they would not fit, up to 256."""

    alpha: float | None = Field(default=None, gt=0)
    """LoRA scale is alpha / rank, with `rslora` alpha / sqrt(rank). By default 2 x rank, with
    `rslora` 8: a scale of 2 at rank 16 either way."""

    rslora: bool = False
    """Rank-stabilised LoRA: the scale falls with the root of the rank only, so that high ranks
    learn as fast as low ones."""

    dora: bool = False
    """DoRA: each row of an adapted weight gets a trained length besides. It learns more at low
    ranks; a step takes longer and keeps more memory."""

    quantize: Literal["nf4", "int8"] | None = None
    """Keep the frozen weights of the adapted layers in 4 (`nf4`) or 8 bits (`int8`), as QLoRA does:
    less memory, more time a step. Needs `pip install 'tunery[quant]'`. LoRA's only."""

    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of an adapter's inputs that training sets to zero at random, PEFT's `lora_dropout`.
    Every row then needs numbers of its own: nothing is shared, one row a tree, so training takes as
    long as without prefix sharing. LoRA's only, and not with `dora`."""

    new_tokens: tuple[Annotated[str, Field(pattern=r"\S")], ...] = ()
    """Texts that become one token each, such as `["<tool>"]`, wherever they stand in a message or
    an answer. Their rows start at the mean of all rows and are trained. LoRA's only."""

    train_embeddings: bool = False
    """Train the whole embedding, and an output layer of its own, beside the LoRA matrices: 16 bytes
    a weight in memory, a large adapter. LoRA's only, and not with `quantize`."""

    targets: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Linear layers that are trained: last names, such as `q_proj`, or patterns over full names
    with `*`, `?` and `[0-9]`, such as `*.layers.[0-9].mlp.*`. The catalog's choice by default,
    which is every linear layer of a block; with `kind: full` all weights."""

    last_blocks: int | None = Field(default=None, ge=1)
    """Train the last so many blocks only; all by default. The blocks below are computed once for
    all epochs: 18 of 30 blocks take two thirds of the time of all."""

    blocks: tuple[int | Annotated[str, Field(pattern=r"^\d+(-\d+)?$")], ...] | None = Field(
        default=None, min_length=1
    )
    """Train these blocks only, counted from 0: numbers and ranges with both ends, such as
    `[0, 20-29]`. Instead of `last_blocks`."""
