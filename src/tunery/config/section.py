"""What all sections of the configuration have in common."""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Auto = Literal["auto"]
"""Chosen when the rows and the model are known, see `train.hyperparameters`."""

Count = Annotated[int, Field(ge=1)]


Number = TypeVar("Number", int, float)


def number(value: Number | Auto) -> Number:
    """The number of a key, after `auto` was replaced.

    Raises:
        ValueError: It is still `auto`.
    """
    if isinstance(value, str):
        raise ValueError("auto was not replaced; see train.hyperparameters.resolve")
    return value


class Section(BaseModel):
    """A frozen group of keys that refuses keys it does not know."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )
