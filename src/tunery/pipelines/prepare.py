"""Data files to token rows, with every row that is not used listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunery.config.data import DataSection
from tunery.data.conversation import Conversation
from tunery.data.findings import Finding, Place
from tunery.data.read import ReadResult, read_conversations
from tunery.data.split import hold_out
from tunery.errors import TuneryError
from tunery.evaluate.about import DataFile, describe_file
from tunery.models.chat_template import ChatTemplate
from tunery.models.template_turns import uses_tools
from tunery.models.token_row import TokenRow


@dataclass(frozen=True, slots=True)
class PreparedData:
    """What a run learns from and is measured on.

    Attributes:
        train: Rows to learn from.
        validation: Rows for the validation loss.
        test: Held-out conversations, still as text.
        findings: What was found in all files; a row with an error is in none of the above.
        files: What was read, for the report.
        system: The system prompt that all training rows share; None if they differ.
        conversations: The training rows as text, by the place that their token rows name.
        tools: How tools are written, and why so; empty if no row has any.
    """

    train: tuple[TokenRow, ...]
    validation: tuple[TokenRow, ...]
    test: tuple[Conversation, ...]
    findings: tuple[Finding, ...]
    files: tuple[DataFile, ...]
    system: str | None
    conversations: Mapping[str, Conversation]
    tools: str


def prepare_data(
    section: DataSection, template: ChatTemplate, context: int, seed: int
) -> PreparedData:
    """Reads, checks, splits and renders the files of a run.

    Args:
        section: Where the rows are.
        template: Renders them.
        context: Longest row that the model takes, in tokens.
        seed: Chooses the validation rows, where a share of the training rows is held out.

    Raises:
        DataError: A file as a whole cannot be used.
        NotFoundError: A file is not there.
    """
    read = {"train": read_file(section, section.train)}
    if isinstance(section.validation, Path):
        read["validation"] = read_file(section, section.validation)
    if section.test is not None:
        read["test"] = read_file(section, section.test)
    rows = {role: result.rows for role, result in read.items()}
    if isinstance(section.validation, float):
        rows["train"], rows["validation"] = (
            tuple(part) for part in hold_out(rows["train"], section.validation, seed)
        )
    limit = min(context, section.max_tokens or context)
    findings = [finding for result in read.values() for finding in result.findings]
    rendered = {}
    for role in ("train", "validation"):
        rendered[role], refused = render_rows(rows.get(role, ()), template, limit)
        findings += refused
    counts = {role: len(kept) for role, kept in rendered.items()} | {
        "test": len(rows.get("test", ()))
    }
    paths = {"train": section.train, "validation": section.validation, "test": section.test}
    return PreparedData(
        train=rendered["train"],
        validation=rendered["validation"],
        test=rows.get("test", ()),
        findings=tuple(findings),
        files=tuple(
            describe_file(role, path, counts[role])
            for role, path in paths.items()
            if isinstance(path, Path)
        ),
        system=_shared_system(rows["train"]),
        conversations={row.place: row for row in rows["train"]},
        tools=template.tool_style.reason if any(map(uses_tools, rows["train"])) else "",
    )


def _shared_system(rows: Sequence[Conversation]) -> str | None:
    prompts = {
        tuple(m.content for m in row.messages if m.role in ("system", "developer")) for row in rows
    }
    return next(iter(prompts))[0] if len(prompts) == 1 and len(next(iter(prompts))) == 1 else None


def read_file(section: DataSection, path: Path) -> ReadResult[Conversation]:
    """Reads one of the run's files as the section says."""
    return read_conversations(
        path, format=section.format, columns=section.columns, system=section.system
    )


def render_rows(
    rows: Sequence[Conversation], template: ChatTemplate, limit: int
) -> tuple[tuple[TokenRow, ...], list[Finding]]:
    """Renders conversations; those that cannot be trained become findings instead.

    Args:
        rows: The conversations.
        template: Renders them.
        limit: Longest row in tokens.
    """
    kept: list[TokenRow] = []
    findings: list[Finding] = []
    for conversation in rows:
        place = Place(conversation.file, conversation.line)
        try:
            row = template.row(conversation)
        except TuneryError as error:
            findings.append(place.found("row.template", error.message, error.hint))
            continue
        if len(row.ids) > limit:
            findings.append(
                place.found(
                    "row.too_long",
                    f"The row has {len(row.ids)} tokens; expected at most {limit}.",
                    "Shorten it, or raise data.max_tokens if the model's context allows.",
                )
            )
        elif not row.supervised:
            findings.append(
                place.found(
                    "row.nothing_trained",
                    "No token of the row would be trained: every assistant turn has weight 0.",
                    "Give an assistant turn weight 1, or remove the row.",
                )
            )
        else:
            kept.append(row)
    return tuple(kept), findings
