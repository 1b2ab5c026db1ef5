import pytest

from tunery.data.sources.shards import Shards, choose, ending_of, is_split
from tunery.errors import DataError, NotFoundError


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("a.JSONL", ".jsonl"),
        ("x/a.csv.gz", ".csv"),
        ("a.json.zst", ".json"),
        ("a.gz", ""),
        ("a", ""),
    ],
)
def test_the_ending_is_that_below_the_packing(name: str, ending: str) -> None:
    assert ending_of(name) == ending


def test_shards_follow_in_the_order_of_their_names() -> None:
    files = ["data/part-2.jsonl", "README.md", "data/part-1.jsonl", "dataset_infos.json", ".x.csv"]
    found = choose(files, "", "folder")
    assert found == Shards("", ("data/part-1.jsonl", "data/part-2.jsonl"))


FILES = [
    "data/train-00000-of-00002.parquet",
    "data/train-00001-of-00002.parquet",
    "data/test-00000-of-00001.parquet",
    "extra/val.parquet",
    "extra/dev/rows.parquet",
    "extra/test/test.parquet",
]


@pytest.mark.parametrize(
    ("wanted", "files"),
    [
        ("train", FILES[:2]),
        ("test", FILES[2:3]),
        ("extra/validation", [FILES[4], FILES[3]]),
        ("extra/test", FILES[5:]),
    ],
)
def test_splits_are_sets_of_their_own(wanted: str, files: list[str]) -> None:
    assert choose(FILES, wanted, "folder").files == tuple(files)


def test_one_of_several_sets_must_be_named() -> None:
    with pytest.raises(DataError, match="several sets of rows") as caught:
        choose(FILES, "", "folder")
    assert '"train"' in caught.value.message
    assert caught.value.hint == "Name one: folder/train"
    with pytest.raises(DataError, match="several sets") as caught:
        choose(["a/x.csv", "y.csv"], "", "folder")
    assert caught.value.hint == "Name one: folder/a"


def test_a_set_that_is_not_there_is_told() -> None:
    with pytest.raises(NotFoundError, match='no set "trian"') as caught:
        choose(FILES, "trian", "folder")
    assert '"train"' in caught.value.hint
    with pytest.raises(NotFoundError) as caught:
        choose(FILES, "zzz", "folder")
    assert caught.value.hint == "Name one of them."


def test_refuses_files_of_different_kinds_and_none() -> None:
    with pytest.raises(DataError, match=r"different kinds: \.csv, \.jsonl"):
        choose(["a.csv", "b.jsonl"], "", "folder")
    with pytest.raises(DataError, match="no data files"):
        choose(["a.txt", "state.json", "_tmp/a.csv"], "", "folder")


def test_names_of_splits() -> None:
    assert [is_split(word) for word in ("train", "Dev", "data")] == [True, True, False]
