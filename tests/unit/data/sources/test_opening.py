import gzip
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tunery.data.sources.fingerprint import fingerprint
from tunery.data.sources.limits import Limits
from tunery.data.sources.opening import open_bytes, open_rows
from tunery.data.sources.parts import cut, rows_of_part
from tunery.errors import DataError, NotFoundError

ROWS = [{"prompt": f"q{n}", "completion": f"ü{n}"} for n in range(5)]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def outcomes(location: str | Path, **limits: int) -> list[tuple[int, Any]]:
    with open_rows(location, limits=Limits(**limits)) as opened:
        return [
            (row.place.line, row.value if row.problem is None else row.problem.code)
            for row in opened.rows
        ]


def container(location: str | Path) -> tuple[str, str, bool]:
    with open_rows(location) as opened:
        list(opened.rows)
        return opened.container, opened.note, opened.in_parts


NUMBERED = list(enumerate(ROWS, start=1))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.jsonl", LINES, ("JSON Lines", "", True)),
        ("rows", "\n" + LINES, ("JSON Lines", "", True)),
        (
            "a.jsonl",
            b"\xef\xbb\xbf" + LINES.replace("\n", "\r\n").encode(),
            ("JSON Lines", "", True),
        ),
        ("a.jsonl", LINES.encode("utf-16"), ("JSON Lines", "UTF-16-LE", False)),
        ("a.jsonl.gz", gzip.compress(LINES.encode()), ("JSON Lines", "gzip", False)),
        ("rows", gzip.compress(LINES.encode("utf-16")), ("JSON Lines", "gzip, UTF-16-LE", False)),
        ("a.json", json.dumps(ROWS), ("JSON array", "a line number counts rows", False)),
        ("a.json.gz", gzip.compress(json.dumps(ROWS, indent=1).encode()), None),
        ("a.json", json.dumps({"data": ROWS}), None),
    ],
)
def test_the_container_is_told_by_the_bytes(
    tmp_path: Path, name: str, content: str | bytes, told: tuple[str, str, bool] | None
) -> None:
    path = put(tmp_path, name, content)
    assert [value for _, value in outcomes(path)] == ROWS
    if told is not None:
        assert container(path) == told


@pytest.mark.parametrize("encode", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("packed", [False, True])
def test_tables_of_text_come_in_every_encoding(tmp_path: Path, encode: str, packed: bool) -> None:
    content = "prompt;completion\r\nq;ü\r\n".encode(encode)
    path = put(tmp_path, "a.csv.gz", gzip.compress(content) if packed else content)
    with open_rows(path, ["prompt"]) as opened:
        assert opened.header == ("prompt", "completion")
        assert [row.value for row in opened.rows] == [{"prompt": "q", "completion": "ü"}]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"%PDF-1.7", "a PDF"),
        (b"BZh91AY", "bzip2"),
        (b"\x80\x04\x95\x00", "pickle"),
        (gzip.compress(gzip.compress(b"a")), "gzip data packed with gzip"),
        (gzip.compress(b"PAR1"), "Parquet data packed with gzip"),
        (gzip.compress(b"PK\x03\x04"), "Excel workbook"),
        (b"\x1f\x8b\x08broken", "cannot be read: the gzip data"),
        (b"plain text", "cannot be told"),
        (b"PAR1 and no table", "cannot be read as Parquet"),
    ],
)
def test_refuses_what_holds_no_rows(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(DataError, match=told) as caught:
        outcomes(put(tmp_path, "rows", content))
    assert caught.value.hint


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_what_stands_before_a_break_is_used(tmp_path: Path, name: str) -> None:
    lines = [os.urandom(40).hex() for _ in range(60_000)]
    rows = lines if name == "a.csv" else [json.dumps({"text": line}) for line in lines]
    packed = gzip.compress("\n".join(["text", *rows] if name == "a.csv" else rows).encode(), 1)
    path = put(tmp_path, f"{name}.gz", packed[: len(packed) // 2])
    *before, last = outcomes(path)
    assert len(before) > 20_000
    assert [value for _, value in before] == [{"text": line} for line in lines[: len(before)]]
    assert last == (before[-1][0] + 1, "file.broken_packing")


def test_bombs_and_endless_lines_are_findings(tmp_path: Path) -> None:
    bomb = put(tmp_path, "a.jsonl.gz", gzip.compress(b'{"a": 1}\n' + bytes(40_000_000)))
    found = outcomes(bomb, line_bytes=1_000_000, unpacked_bytes=10_000_000)
    assert found == [(1, {"a": 1}), (2, "file.unpacks_too_large")]
    long = put(tmp_path, "a.jsonl", '{"a": 1}\n{"a": "' + "x" * 3_000_000 + '"}\n{"a": 2}')
    assert outcomes(long, line_bytes=2_000_000) == [
        (1, {"a": 1}),
        (2, "file.line_too_long"),
        (3, {"a": 2}),
    ]


def test_a_long_line_of_a_table_is_passed_over(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "text\na\n" + "x" * 5000 + '\nb\n"two\nlines"\nc,d\n')
    assert outcomes(path, line_bytes=1000) == [
        (2, {"text": "a"}),
        (3, "file.line_too_long"),
        (4, {"text": "b"}),
        (5, {"text": "two\nlines"}),
        (7, "csv.ragged_row"),
    ]
    with pytest.raises(DataError, match="too long for the header"):
        outcomes(put(tmp_path, "b.csv", "x" * 5000), line_bytes=1000)
    with pytest.raises(DataError, match="a line is too long"):
        outcomes(put(tmp_path, "c.csv", '"a\n' + "x" * 5000), line_bytes=1000)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('{"a": "\0"}', "file.zero_byte"),
        ("\0" * 50, "file.zero_byte"),
        ('{"a": NaN}', "json.not_finite"),
        ('{"a": -Infinity}', "json.not_finite"),
        ('{"a": 1e999}', "json.not_finite"),
        ('{"a": 1, "a": 2}', "json.duplicate_key"),
        ('{"a": ' * 10_000 + "1" + "}" * 10_000, "json.invalid"),
        ("[" * 10_000 + "]" * 10_000, "json.invalid"),
    ],
)
def test_traps_of_json_are_findings(tmp_path: Path, line: str, code: str) -> None:
    path = put(tmp_path, "a.jsonl", f'{{"x": 1}}\n{line}\n{{"x": 2}}\n')
    assert outcomes(path) == [(1, {"x": 1}), (2, code), (3, {"x": 2})]


def test_zero_bytes_in_a_table_are_found(tmp_path: Path) -> None:
    assert outcomes(put(tmp_path, "a.csv", "text\na\0b\n")) == [(2, "file.zero_byte")]


def test_bytes_that_are_not_utf8_stay_on_their_line(tmp_path: Path) -> None:
    path = put(tmp_path, "a.jsonl", b'{"a": "caf\xe9"}\n{"a": 1}\n')
    with open_rows(path) as opened:
        first, second = opened.rows
    assert first.problem is not None
    assert "WINDOWS-1252" in first.problem.hint
    assert second.value == {"a": 1}


@pytest.mark.parametrize("change", ["append", "cut"])
def test_a_file_that_changes_is_refused(tmp_path: Path, change: str) -> None:
    path = put(tmp_path, "a.jsonl", '{"a": "some text"}\n' * 200_000)
    with open_rows(path) as opened:
        next(opened.rows)
        if change == "append":
            with path.open("a") as file:
                file.write('{"a": 1}\n')
        else:
            os.truncate(path, 2_000_000)
        with pytest.raises(DataError, match="changed while it was read"):
            list(opened.rows)


def test_an_error_of_the_one_who_reads_is_not_taken_for_the_files(tmp_path: Path) -> None:
    path = put(tmp_path, "a.jsonl", LINES)
    with pytest.raises(OSError, match="disk is full"), open_rows(path) as opened:  # noqa: PT012
        next(opened.rows)
        raise OSError("disk is full")


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    for name in ("pipe.jsonl", "/dev/zero"):
        with pytest.raises(DataError, match="not an ordinary file"):
            outcomes(tmp_path / name)
    with pytest.raises(NotFoundError):
        outcomes(Path("a\0b"))
    with pytest.raises(NotFoundError):
        outcomes(tmp_path / "nowhere" / "train")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no data files"):
        outcomes(tmp_path / "empty")


# Folders.


def test_files_of_a_folder_are_one_set_of_rows(tmp_path: Path) -> None:
    put(tmp_path, "part-2.jsonl", LINES + "broken\n")
    put(tmp_path, "part-1.jsonl.gz", gzip.compress(("\n" + LINES).encode()))
    put(tmp_path, "README.md", "text")
    assert outcomes(tmp_path) == [
        *NUMBERED,
        *[(number + 5, row) for number, row in NUMBERED],
        (11, "json.invalid"),
    ]
    with open_rows(tmp_path) as opened:
        assert "2 files, whose rows a line number counts" in opened.note
        assert {row.place.file for row in opened.rows} == {str(tmp_path)}
    digest = fingerprint(tmp_path)
    assert digest.size_bytes == sum(path.stat().st_size for path in tmp_path.glob("part*"))
    put(tmp_path, "part-3.jsonl", LINES)
    assert fingerprint(tmp_path).sha256 != digest.sha256


def test_the_one_file_of_a_split_keeps_its_lines(tmp_path: Path) -> None:
    put(tmp_path, "data/train.jsonl", "\n" + LINES)
    put(tmp_path, "data/test.jsonl", LINES + "broken\n")
    assert outcomes(tmp_path / "train")[0] == (2, ROWS[0])
    assert outcomes(tmp_path / "test")[-1] == (6, "json.invalid")
    assert fingerprint(tmp_path / "test") == fingerprint(tmp_path / "data" / "test.jsonl")
    with pytest.raises(DataError, match="several sets of rows"):
        outcomes(tmp_path)
    with pytest.raises(NotFoundError, match='no set "val"'):
        outcomes(tmp_path / "val")


def test_a_broken_file_of_a_folder_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", LINES)
    put(tmp_path, "b.jsonl", b"%PDF")
    with pytest.raises(DataError, match=r"b\.jsonl is a PDF"):
        outcomes(tmp_path)


def saved(folder: Path, state: object, files: int = 2) -> None:
    pa = pytest.importorskip("pyarrow")
    folder.mkdir(parents=True)
    for number in range(files):
        table = pa.Table.from_pylist(ROWS)
        with (
            pa.OSFile(str(folder / f"data-{number}.arrow"), "wb") as out,
            pa.ipc.new_stream(out, table.schema) as writer,
        ):
            writer.write_table(table)
    put(folder, "state.json", json.dumps(state))
    put(folder, "dataset_info.json", "{}")


FILES = [{"filename": "data-1.arrow"}, {"filename": "data-0.arrow"}]


def test_what_datasets_saved_is_read_in_its_order(tmp_path: Path) -> None:
    saved(tmp_path / "train", {"_data_files": FILES})
    assert [value for _, value in outcomes(tmp_path / "train")] == ROWS * 2
    put(tmp_path, "dataset_dict.json", '{"splits": ["train"]}')
    with pytest.raises(DataError, match='the splits "train"') as caught:
        outcomes(tmp_path)
    assert str(tmp_path / "train") in caught.value.hint


@pytest.mark.parametrize(
    "state",
    [
        [],
        {"_data_files": []},
        {"_data_files": [{"filename": "../../secret.arrow"}]},
        {"_data_files": [{"filename": 3}]},
        {"_data_files": 3},
    ],
)
def test_refuses_a_list_of_files_that_datasets_did_not_write(tmp_path: Path, state: object) -> None:
    saved(tmp_path / "set", state)
    with pytest.raises(DataError, match="does not list the data files"):
        outcomes(tmp_path / "set")


def test_refuses_a_choice_of_rows(tmp_path: Path) -> None:
    saved(tmp_path / "set", {"_data_files": FILES, "_indices_data_files": FILES})
    with pytest.raises(DataError, match="a choice of rows") as caught:
        outcomes(tmp_path / "set")
    assert "flatten_indices" in caught.value.hint


# Addresses.


def test_an_address_is_read_and_masked(tmp_path: Path) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(packed)))
            self.end_headers()
            self.wfile.write(packed)

        def log_message(self, *_: object) -> None:
            pass

    packed = gzip.compress(LINES.encode())
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/a.jsonl.gz?sig=secret"
        with open_rows(url) as opened:
            found = list(opened.rows)
        assert [row.value for row in found] == ROWS
        assert found[0].place.file == url.replace("sig=secret", "***")
        assert fingerprint(url).size_bytes == len(packed)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("address", ["https://example.org/a.jsonl?k=1", "s3://bucket/a.jsonl"])
def test_the_network_may_be_switched_off(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("TUNERY_OFFLINE", "1")
    with pytest.raises(DataError, match="switched off"), open_bytes(address):
        pass


# Parts.


def test_parts_are_the_file(tmp_path: Path) -> None:
    lines = [json.dumps({"n": n, "text": "ü" * (n % 50)}) for n in range(3000)]
    lines[1000:1000] = ["broken", "", "[" * 5000]
    path = put(tmp_path, "a.jsonl", "\r\n".join(lines))
    with open_rows(path) as opened:
        whole = list(opened.rows)
    parts = cut(path, 20_000)
    assert len(parts) > 5
    assert [row for part in parts for row in rows_of_part(path, part)] == whole
