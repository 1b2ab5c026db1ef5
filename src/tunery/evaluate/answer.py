"""What a model said to one prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer, or the reason why there is none.

    Attributes:
        text: The answer; empty if refused.
        finish_reason: "stop" if the model ended it, "length" if the token limit cut it, "refused"
            if the engine would not take the prompt.
        prompt_tokens: Tokens of the rendered prompt; 0 if refused.
        completion_tokens: Tokens generated; 0 if refused.
        refusal: What the engine said; empty unless refused.
    """

    text: str
    finish_reason: Literal["stop", "length", "refused"]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    refusal: str = ""
