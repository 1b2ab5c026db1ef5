"""The `train` section: how it is trained."""

from typing import Annotated, Literal

from pydantic import Field

from tunery.config.section import Auto, Count, Section


class EarlyStoppingSection(Section):
    """Ends training when the validation loss no longer falls; the model gets the best weights."""

    patience: int = Field(default=2, ge=1)
    """Validations in a row without a better loss after which training ends."""

    min_delta: float = Field(default=0.0, ge=0)
    """A validation loss is better when it is lower by more than this, in nats."""


class TrainSection(Section):
    """How it is trained."""

    epochs: Count | Auto = "auto"
    """Passes over the rows; `auto` takes 3, more where rows are few, fewer where they are many."""

    batch_size: Count | Auto = "auto"
    """Rows in one optimizer step; `auto` takes 0.2 % of the rows, from 8 to 256."""

    batching: Literal["shuffled", "grouped", "in_order"] = "shuffled"
    """Which rows form a step. `shuffled`: drawn anew each epoch. `grouped`: rows that begin alike
    meet in one step, so that what they share is computed once; the steps are drawn, so training
    sees the rows in another order than `shuffled`. `in_order`: the file's order."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] | Auto = "auto"
    """Peak learning rate of AdamW; `auto` takes, for LoRA, 1e-3 on models of up to half a billion
    parameters and less on larger ones, down to 2e-4."""

    learning_rate_multiplier: float = Field(default=1.0, gt=0, le=1000)
    """Factor on the learning rate, chosen or given; OpenAI's parameter of this name."""

    schedule: Literal["cosine", "constant"] = "cosine"
    """Learning rate after warm-up: falls along a cosine to a tenth of its peak, or stays."""

    warmup_ratio: float = Field(default=0.05, ge=0, le=1)
    """Share of all steps over which the learning rate rises from 0 in a line."""

    weight_decay: float = Field(default=0.0, ge=0)
    """AdamW's decoupled weight decay."""

    max_grad_norm: float = Field(default=1.0, gt=0)
    """Gradients are scaled down to this Euclidean norm when longer."""

    divergence_factor: float | None = Field(default=3.0, gt=1)
    """Stops the run when the mean loss of the last steps (at least 10 steps and 64 rows) is above
    so many times the lowest such mean, and above the first one; null never stops. A loss that is
    not a number always does."""

    seed: int = Field(default=0, ge=0)
    """Seed of the row order and of the adapter's first values."""

    micro_batch_tokens: int | None = Field(default=None, ge=16)
    """Most unique tokens computed at once: memory against speed, never the result. Chosen from
    free memory by default."""

    validate_every: int | None = Field(default=None, ge=1)
    """Optimizer steps between validation losses; once an epoch by default."""

    checkpoint_every: int | None = Field(default=None, ge=1)
    """Optimizer steps between checkpoints; once an epoch by default."""

    keep_checkpoints: int = Field(default=2, ge=1)
    """Newest checkpoints kept on disk, besides the one with the lowest validation loss."""

    early_stopping: EarlyStoppingSection | None = None
    """Ends training when the validation loss no longer falls, and takes the weights of the step
    where it was lowest; needs validation rows. Without it, the weights of the last step are taken.
    `{}` takes the defaults."""

    threads: int | None = Field(default=None, ge=1)
    """CPU threads; one for each core by default, whatever a core's own threads."""
