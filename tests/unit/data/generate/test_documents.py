import io

import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from tunery.data.generate import documents as module
from tunery.data.generate.documents import read_documents
from tunery.errors import DataError, NotFoundError


def pdf(*pages: str, password: str | None = None) -> bytes:
    writer = PdfWriter()
    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    resource = DictionaryObject({NameObject(k): NameObject(v) for k, v in font.items()})
    for text in pages:
        page = writer.add_blank_page(300, 300)
        fonts = DictionaryObject({NameObject("/F1"): resource})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
    if password is not None:
        writer.encrypt(password, algorithm="RC4-128")
    content = io.BytesIO()
    writer.write(content)
    return content.getvalue()


def read(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_documents([path]).passages


def test_text_has_its_line(tmp_path):
    (passage,) = read(tmp_path / "a.txt", "\n\nFirst line,\nsecond.\n\nMore.\n")

    assert passage.text == "First line,\nsecond.\n\nMore."
    assert (passage.document, passage.position) == (str(tmp_path / "a.txt"), "line 3")
    assert len(passage.digest) == 32


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path, encoding):
    assert read(tmp_path / "a.txt", "Zürich 🦊".encode(encoding))[0].text == "Zürich 🦊"


def test_markdown_is_cut_at_headings_when_long_enough(tmp_path):
    long = "words " * 80
    text = f"# Guide\n\n{long}\n\n## Setup\n{long}\n\nWindows\n=======\nShort.\n"

    passages = read(tmp_path / "a.md", text)

    assert [p.heading for p in passages] == ["Guide", "Guide > Setup", "Windows"]
    assert [p.position for p in passages] == ["line 1", "line 5", "line 8"]
    assert passages[2].text == "Windows\n=======\nShort."


def test_a_heading_needs_no_blank_line(tmp_path):
    long = "words " * 80

    found = read(tmp_path / "a.md", f"{long}\n# Next\ntext\n")

    assert [(p.heading, p.position) for p in found] == [("", "line 1"), ("Next", "line 2")]


def test_fences_hide_what_looks_like_a_heading(tmp_path):
    text = "# Real\n\ntext\n```sh\n# comment\n\nrun\n```\nafter\n\n# Next #\n"

    (passage,) = read(tmp_path / "a.md", text)

    assert passage.heading == "Real"
    assert "# comment\n\nrun\n```" in passage.text


def test_html_is_its_text(tmp_path):
    page = """<html><head><title>No</title></head><body><nav>Menu</nav>
    <h1>Shop</h1><p>Open &amp; <b>free</b><br>daily.<script>alert(1)</script></p>
    <ul><li>one<li>two</ul><table><tr><td>a<td>b</tr></table><pre>x
      y</pre><img src="http://127.0.0.1:9/a.png"><iframe src="x">in</iframe></body>"""

    (passage,) = read(tmp_path / "a.html", page)

    assert passage.text == "Shop\n\nOpen & free\ndaily.\n\n- one\n\n- two\n\na | b\n\nx\n      y"
    assert (passage.heading, passage.position) == ("Shop", "line 2")


def test_html_says_its_charset(tmp_path):
    page = '<meta charset="iso-8859-1"><p>Zürich'.encode("latin-1")

    assert read(tmp_path / "a.html", page)[0].text == "Zürich"
    with pytest.raises(DataError, match="not UTF-8"):
        read(tmp_path / "b.html", page.replace(b"iso-8859-1", b"hex"))


def test_pdf_has_its_pages(tmp_path):
    (passage,) = read(tmp_path / "a.pdf", pdf("The tower is red.", "Snow melts."))

    assert passage.text == "The tower is red.\n\nSnow melts."
    assert passage.position == "page 1"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (pdf(), "no text"),
        (pdf("x", password="secret"), "password"),
        (b"%PDF-1.7\nnonsense", "no PDF that can be read"),
        (b"", "no PDF that can be read"),
    ],
)
def test_pdf_that_cannot_be_read(tmp_path, content, reason):
    with pytest.raises(DataError, match=reason):
        read(tmp_path / "a.pdf", content)


def test_damaged_pdf_never_ends_in_a_traceback(tmp_path):
    whole = pdf("The tower is red.", "Snow melts.")
    for cut in range(0, len(whole), 37):
        for content in (whole[:cut], whole[:cut] + b"\xff\x00" + whole[cut + 2 :]):
            try:
                read(tmp_path / "a.pdf", content)
            except DataError:
                continue


def test_an_empty_password_opens(tmp_path):
    assert read(tmp_path / "a.pdf", pdf("Red.", password=""))[0].text == "Red."


def test_long_paragraphs_are_cut_after_sentences_and_words(tmp_path):
    text = "".join(f"It rains in the hills on day {day}. " for day in range(200))
    passages = read(tmp_path / "a.txt", text)

    assert all(len(p.text) <= 2000 and p.text.endswith(".") for p in passages)
    assert " ".join(p.text for p in passages).split() == text.split()
    words = read(tmp_path / "b.txt", "".join(f"word{n} " for n in range(1000)))
    assert " ".join(p.text for p in words).split() == [f"word{n}" for n in range(1000)]
    unbroken = "".join(map(str, range(1500)))
    assert "".join(p.text for p in read(tmp_path / "c.txt", unbroken)) == unbroken


def test_folders_are_read_in_order_and_tell_what_they_skip(tmp_path):
    folder = tmp_path / "docs"
    (folder / "b").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / ".git" / "a.txt").write_text("hidden")
    (folder / "c.txt").write_text("Third.")
    (folder / "b" / "a.txt").write_text("First.")
    (folder / "b" / "b.txt").write_text("Third.")
    (folder / "photo.png").write_bytes(b"\x89PNG")
    (folder / "bad.txt").write_bytes(b"\xff\xff\xff")
    (folder / "empty.md").write_text(" \n")
    (folder / "loop").symlink_to(folder)

    found = read_documents([folder, folder / "c.txt"])

    assert [p.text for p in found.passages] == ["First.", "Third."]
    assert {(s.path.removeprefix(f"{folder}/"), s.reason[:20]) for s in found.skipped} == {
        ("photo.png", "its ending is none o"),
        ("bad.txt", "it is not UTF-8 text"),
        ("empty.md", "it has no text"),
        ("c.txt, line 1", f"the same text as {folder}"[:20]),
    }


def test_what_cannot_be_a_document(tmp_path, monkeypatch):
    with pytest.raises(NotFoundError, match="gone"):
        read_documents([tmp_path / "gone"])
    with pytest.raises(DataError, match="none of"):
        read(tmp_path / "a.docx", "x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no document with text"):
        read_documents([tmp_path / "empty"])
    monkeypatch.setattr(module, "DOCUMENT_BYTES", 3)
    with pytest.raises(DataError, match="larger than"):
        read(tmp_path / "a.txt", "four")


def test_a_pipe_is_refused(tmp_path):
    import os

    os.mkfifo(tmp_path / "a.txt")
    with pytest.raises(DataError, match="no file"):
        read_documents([tmp_path / "a.txt"])


def test_no_sources_are_no_passages():
    assert read_documents([]).passages == ()
