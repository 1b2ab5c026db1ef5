"""A conversation with a model at a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tunery.errors import UserError

if TYPE_CHECKING:
    from tunery.data.conversation import Message
    from tunery.serve.engine import Engine, Sampling

HELP = """\
/reset         forget the conversation
/system TEXT   set the system prompt and forget the conversation; without TEXT there is none
/help          show this
/exit          leave
Ctrl-C stops an answer; at the prompt it leaves."""

Ending = Literal["stop", "length", "interrupted"]
"""Why an answer ended: the model, a limit, or Ctrl-C."""

_COMMAND = re.compile(r"/[a-z]+$")


@dataclass(frozen=True, slots=True)
class Terminal:
    """The person's side.

    Attributes:
        read_line: Asks for a line; None at the end of the input.
        write: Writes a piece of an answer, at once.
        note: Says something that is no answer.
    """

    read_line: Callable[[], str | None]
    write: Callable[[str], None]
    note: Callable[[str], None]


@dataclass(slots=True)
class Dialogue:
    """What has been said so far.

    Attributes:
        engine: Answers.
        model: Name of the model.
        sampling: How the answers are made.
        system: System prompt; empty for none.
        turns: Of the person and the model, in turn.
    """

    engine: Engine
    model: str
    sampling: Sampling
    system: str = ""
    turns: list[Message] = field(default_factory=list)

    def ask(self, text: str, write: Callable[[str], None]) -> Ending:
        """Says something to the model and writes its answer as it comes.

        Args:
            text: What the person says.
            write: Given the pieces of the answer.

        Returns:
            Why the answer ended; after Ctrl-C the conversation keeps what was said by then.

        Raises:
            UserError: The model does not take the conversation; it is left as it was before.
        """
        from tunery.data.conversation import Message

        system = [Message("system", self.system)] if self.system else []
        question = Message("user", text)
        pieces: list[str] = []
        ending: Ending = "stop"
        deltas = self.engine.stream(self.model, [*system, *self.turns, question], self.sampling)
        try:
            for delta in deltas:
                pieces.append(delta.text)
                write(delta.text)
                if delta.completion is not None:
                    ending = delta.completion.finish_reason
        except KeyboardInterrupt:
            ending = "interrupted"
            # An answer left in the middle holds the engine until its stream is closed.
            getattr(deltas, "close", _nothing)()
        if answer := "".join(pieces):
            self.turns += [question, Message("assistant", answer)]
        return ending


def converse(dialogue: Dialogue, terminal: Terminal) -> None:
    """Lets a person talk to a model until `/exit`, the end of the input, or Ctrl-C at the prompt.

    Args:
        dialogue: The conversation, which goes on from where it is.
        terminal: The person's side.

    Raises:
        KeyboardInterrupt: Ctrl-C at the prompt.
    """
    while (line := terminal.read_line()) is not None:
        text = line.strip()
        first = text.partition(" ")[0]
        if text == "/exit":
            return
        if _COMMAND.fullmatch(first):
            _obey(first, text.removeprefix(first).strip(), dialogue, terminal)
        elif text:
            _answer(text, dialogue, terminal)


def _obey(command: str, text: str, dialogue: Dialogue, terminal: Terminal) -> None:
    match command:
        case "/reset":
            dialogue.turns.clear()
            terminal.note("The conversation starts again.")
        case "/system":
            dialogue.turns.clear()
            dialogue.system = text
            terminal.note(
                "The conversation starts again, with "
                + ("this system prompt." if text else "no system prompt.")
            )
        case "/help":
            terminal.note(HELP)
        case _:
            terminal.note(f"There is no command {command}.\n{HELP}")


def _answer(text: str, dialogue: Dialogue, terminal: Terminal) -> None:
    try:
        ending = dialogue.ask(text, terminal.write)
    except UserError as error:
        terminal.note(f"{error} /reset starts a new conversation.")
        return
    terminal.write("\n")
    if ending == "interrupted":
        terminal.note("(stopped)")
    elif ending == "length":
        terminal.note(cut_note(dialogue.sampling))


def cut_note(sampling: Sampling) -> str:
    """What to tell when a limit cut an answer."""
    limit = "" if sampling.max_tokens is None else f" of {sampling.max_tokens} tokens"
    return f"(cut by the limit{limit} or of the context; see --max-tokens)"


def _nothing() -> None:
    """What closing a stream means where there is nothing to close."""
