"""The whole YAML of one run."""

from pydantic import Field

from tunery.config.data import DataSection
from tunery.config.evaluate import EvaluateSection
from tunery.config.method import MethodSection
from tunery.config.section import Section
from tunery.config.sweep import SweepSection
from tunery.config.train import TrainSection


class RunConfig(Section):
    """One fine-tune from data to report."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    """Name of the run and of the model that it makes: lower-case letters, digits, `.`, `_`, `-`."""

    model: str = Field(min_length=1)
    """Base model: a catalog name (`tunery models list`), a local folder, or a Hugging Face id."""

    unproven: bool = False
    """Take a base model whose type has no proof that its gradients are exact. It is compared with
    the plain computation on a few rows first, and refused if the two differ."""

    data: DataSection
    """Where the rows are."""

    method: MethodSection = MethodSection()
    """What is trained."""

    train: TrainSection = TrainSection()
    """How it is trained."""

    evaluate: EvaluateSection = EvaluateSection()
    """How the result is compared with the base model."""

    sweep: SweepSection | None = None
    """Which values `tunery sweep` tries; other commands pass it over."""
