"""Files and folders that a user named, to passages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunery.data.generate.html_page import declared_charset, html_blocks
from tunery.data.generate.passages import Passage, pack
from tunery.data.generate.pdf_file import PdfProblem, pdf_blocks
from tunery.data.generate.plain_text import markdown_blocks, text_blocks
from tunery.errors import DataError, NotFoundError

DOCUMENT_BYTES = 64 * 2**20
"""Largest document: 64 MiB. More is many documents, or no document."""

TEXT_ENDINGS = (".txt", ".text")
MARKDOWN_ENDINGS = (".md", ".markdown")
HTML_ENDINGS = (".html", ".htm", ".xhtml")
ENDINGS = (*TEXT_ENDINGS, *MARKDOWN_ENDINGS, *HTML_ENDINGS, ".pdf")


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not read.

    Attributes:
        path: Path of a file, with a position where only a part of it is meant.
        reason: Why, as a clause.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Documents:
    """What the documents hold.

    Attributes:
        passages: Pieces to ask about, in the order of the documents, no two of the same text.
        skipped: Files, and passages, that are left aside.
    """

    passages: tuple[Passage, ...]
    skipped: tuple[Skipped, ...]


def read_documents(sources: Sequence[Path]) -> Documents:
    """Reads all documents; a folder stands for those in it, in the order of their paths.

    Hidden files and folders are passed over, and links to folders are not followed.

    Args:
        sources: Files and folders.

    Raises:
        NotFoundError: A source is not there.
        DataError: A file that was named is no document, or no document has text.
    """
    passages: dict[str, Passage] = {}
    skipped: list[Skipped] = []
    for path, named in _files(sources):
        try:
            found = _read(path)
        except DataError as error:
            if named:
                raise
            skipped.append(Skipped(str(path), error.message.removeprefix(f"{path}: ").rstrip(".")))
            continue
        for passage in found:
            first = passages.setdefault(passage.digest, passage)
            if first is not passage:
                where = f"{passage.document}, {passage.position}"
                said = f"the same text as {first.document}, {first.position}"
                skipped.append(Skipped(where, said))
    if sources and not passages:
        raise DataError(
            f"{_listed(sources)}: no document with text; expected files ending in "
            f"{', '.join(ENDINGS)}.",
            "Name other files or folders.",
        )
    return Documents(tuple(passages.values()), tuple(skipped))


def _files(sources: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """Each file once, and whether it was named itself."""
    seen: set[Path] = set()
    for source in sources:
        if not source.exists():
            raise NotFoundError(f"There is no {source}.", "Check the path of the document.")
        inner = [(path, False) for path in _inside(source)] if source.is_dir() else [(source, True)]
        for path, named in inner:
            if path.resolve() not in seen:
                seen.add(path.resolve())
                yield path, named


def _inside(folder: Path) -> list[Path]:
    files: list[Path] = []
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder}: {error.strerror}.", "Check who may read it.") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            files += [] if entry.is_symlink() else _inside(entry)
        else:
            files.append(entry)
    return files


def _read(path: Path) -> list[Passage]:
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise _unfit(path, f"its ending is none of {', '.join(ENDINGS)}")
    content = _content(path)
    if ending == ".pdf":
        try:
            return list(pack(pdf_blocks(content), str(path), "page"))
        except PdfProblem as problem:
            raise _unfit(path, str(problem)) from problem
    text = _decoded(content, path, declared_charset(content) if ending in HTML_ENDINGS else None)
    if ending in HTML_ENDINGS:
        blocks = html_blocks(text)
    else:
        blocks = list((markdown_blocks if ending in MARKDOWN_ENDINGS else text_blocks)(text))
    if not blocks:
        raise _unfit(path, "it has no text")
    return list(pack(blocks, str(path), "line"))


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise _unfit(path, "it is no file")  # a pipe or device may never end
    try:
        with path.open("rb") as file:
            content = file.read(DOCUMENT_BYTES + 1)
    except OSError as error:
        raise _unfit(path, f"it cannot be read ({error.strerror})") from error
    if len(content) > DOCUMENT_BYTES:
        raise _unfit(path, f"it is larger than {DOCUMENT_BYTES // 2**20} MiB")
    return content


def _decoded(content: bytes, path: Path, charset: str | None) -> str:
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    encodings = ["utf-16"] if utf16 else ["utf-8-sig", *filter(None, [charset])]
    for encoding in encodings:
        try:
            # An encoding that is none of texts ("hex") raises a LookupError.
            return content.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    raise _unfit(path, "it is not UTF-8 text")


def _unfit(path: Path, reason: str) -> DataError:
    return DataError(f"{path}: {reason}.", "Convert it, or leave it out.")


def _listed(sources: Sequence[Path]) -> str:
    return ", ".join(str(source) for source in sources[:5]) + ", …" * (len(sources) > 5)
