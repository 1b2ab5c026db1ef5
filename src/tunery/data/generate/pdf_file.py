"""PDF to blocks: the text of each page, by pypdf. Scripts and links in a file stay dead."""

from __future__ import annotations

import io
import logging
import struct
import zlib

from tunery.data.generate.passages import Block

# pypdf logs what it repairs; without a handler that would go to the terminal.
logging.getLogger("pypdf").addHandler(logging.NullHandler())

# What parsing a damaged file raises besides pypdf's own errors.
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


class PdfProblem(Exception):
    """A PDF cannot be read; the message is a clause that says why."""


def pdf_blocks(content: bytes) -> list[Block]:
    """The paragraphs of a PDF with their pages.

    Args:
        content: The file.

    Raises:
        PdfProblem: It cannot be read, or has no text.
    """
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    blocks: list[Block] = []
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise PdfProblem("it needs a password")
        for number, page in enumerate(reader.pages, start=1):
            blocks += _paragraphs(page.extract_text(), number)
    except (PyPdfError, *_DAMAGE) as error:
        raise PdfProblem(f"it is no PDF that can be read ({type(error).__name__})") from error
    if not blocks:
        raise PdfProblem("it has no text; a scan needs text recognition (OCR) first")
    return blocks


def _paragraphs(text: str, page: int) -> list[Block]:
    parts = ("\n".join(line.rstrip() for line in part.splitlines()) for part in text.split("\n\n"))
    return [Block(part.strip(), page) for part in parts if part.strip()]
