"""Data files to token rows, with every row that is not used listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tunery.config.data import DataSection
from tunery.data.conversation import Conversation
from tunery.data.findings import Finding, Place
from tunery.data.read import ReadResult, read_conversations
from tunery.data.shape.mix import largest_mix, mix
from tunery.data.shape.sample import sample
from tunery.data.split import hold_out
from tunery.errors import DataError, TuneryError
from tunery.evaluate.about import DataFile, describe_file
from tunery.models.chat_template import ChatTemplate
from tunery.models.template_turns import uses_tools
from tunery.models.token_row import TokenRow
from tunery.pipelines.locate import Located, files_of, locate


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
        notes: Sentences on rows that were left out without being wrong.
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
    notes: tuple[str, ...] = ()


def prepare_data(
    section: DataSection,
    template: ChatTemplate,
    context: int,
    seed: int,
    home: Path | None = None,
) -> PreparedData:
    """Reads, checks, mixes, splits and renders the files of a run.

    Args:
        section: Where the rows are.
        template: Renders them.
        context: Longest row that the model takes, in tokens.
        seed: Chooses the validation rows, where a share of the training rows is held out, and
            the rows of a mix or a limit.
        home: The home folder, if a file may be a data set of the library.

    Raises:
        DataError: A file as a whole cannot be used, or stands twice in a mix.
        NotFoundError: A file or data set is not there.
    """
    located = [(role, locate(path, home)) for role, path in files_of(section)]
    read = [(role, _read(section, file)) for role, file in located]
    rows = {role: result.rows for role, result in read}
    notes: list[str] = []
    if not isinstance(section.train, Path):
        weights = [part.weight for part in section.train]
        trained = [result.rows for role, result in read if role == "train"]
        names = [file.label for role, file in located if role == "train"]
        rows["train"], notes = _mixed(trained, names, weights, seed)
    if isinstance(section.validation, float):
        rows["train"], rows["validation"] = (
            tuple(part) for part in hold_out(rows["train"], section.validation, seed)
        )
    if section.limit is not None:
        chosen = sample(len(rows["train"]), section.limit, seed)
        notes.append(
            f"data.limit: {len(chosen)} of {len(rows['train'])} training rows, chosen by the seed."
        )
        rows["train"] = tuple(rows["train"][index] for index in chosen)
    limit = min(context, section.max_tokens or context)
    findings = [finding for _, result in read for finding in result.findings]
    rendered = {}
    for role in ("train", "validation"):
        rendered[role], refused = render_rows(rows.get(role, ()), template, limit)
        findings += refused
    counts = Counter(
        (role, row.place.rpartition(":")[0]) for role, kept in rendered.items() for row in kept
    )
    counts.update(("test", row.file) for row in rows.get("test", ()))
    return PreparedData(
        train=rendered["train"],
        validation=rendered["validation"],
        test=rows.get("test", ()),
        findings=tuple(findings),
        files=tuple(
            replace(describe_file(role, file.path, counts[role, file.label]), path=file.label)
            for role, file in located
        ),
        system=_shared_system(rows["train"]),
        conversations={row.place: row for row in rows["train"]},
        notes=tuple(notes),
        tools=template.tool_style.reason if any(map(uses_tools, rows["train"])) else "",
    )


def _mixed(
    files: Sequence[Sequence[Conversation]],
    names: Sequence[str],
    weights: Sequence[float],
    seed: int,
) -> tuple[tuple[Conversation, ...], list[str]]:
    """The largest mix that repeats no row, file by file, and what was left out of it."""
    if twice := [name for name, number in Counter(names).items() if number > 1]:
        raise DataError(
            f"data.train names {twice[0]} more than once.", "Give the file once, with one weight."
        )
    total = largest_mix([len(rows) for rows in files], weights)
    chosen = sorted(mix([len(rows) for rows in files], weights, total, seed))
    taken = Counter(file for file, _ in chosen)
    notes = [
        f"Mix: {taken[index]} of {len(rows)} rows of {names[index]} (weight {weights[index]:g})."
        for index, rows in enumerate(files)
    ]
    return tuple(files[file][row] for file, row in chosen), notes


def _shared_system(rows: Sequence[Conversation]) -> str | None:
    prompts = {
        tuple(m.content for m in row.messages if m.role in ("system", "developer")) for row in rows
    }
    return next(iter(prompts))[0] if len(prompts) == 1 and len(next(iter(prompts))) == 1 else None


def read_file(
    section: DataSection, path: Path, home: Path | None = None
) -> ReadResult[Conversation]:
    """Reads one of the run's files as the section says; a data set's rows carry its name."""
    return _read(section, locate(path, home))


def _read(section: DataSection, file: Located) -> ReadResult[Conversation]:
    result = read_conversations(
        file.path, format=section.format, columns=section.columns, system=section.system
    )
    if file.label == str(file.path):
        return result
    return replace(
        result,
        rows=tuple(replace(row, file=file.label) for row in result.rows),
        findings=tuple(replace(finding, file=file.label) for finding in result.findings),
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
