import json
import os
import struct

import pytest

from tunery.errors import FetchError, NotFoundError, UserError
from tunery.models.folder import (
    MANIFEST,
    check_fetched,
    check_model,
    new_folder,
    publish,
    read_manifest,
    remove_leftovers,
    sha256,
)


def test_published_folder_has_its_manifest(tmp_path, write_model):
    target = tmp_path / "models" / "m"
    with new_folder(target) as staging:
        assert staging.parent == target.parent
        write_model(staging)
        publish(staging, target, "m", "somewhere")
    manifest = check_fetched(target, verify=True)
    assert (manifest.name, manifest.source) == ("m", "somewhere")
    assert set(manifest.files) == {"config.json", "tokenizer.json", "model.safetensors"}
    file = target / "model.safetensors"
    assert manifest.files[file.name].size == file.stat().st_size
    assert manifest.files[file.name].sha256 == sha256(file)
    assert os.listdir(target.parent) == ["m"]
    assert file.stat().st_mode & 0o777 == 0o644


def test_unpublished_folder_vanishes(tmp_path, write_model):
    target = tmp_path / "m"
    with new_folder(target) as staging:
        write_model(staging)
    assert os.listdir(tmp_path) == []


def test_publishing_replaces_what_was_there(tmp_path, write_model):
    target = write_model(tmp_path / "m")
    (target / "old.txt").write_text("old")
    with new_folder(target) as staging:
        write_model(staging)
        publish(staging, target, "m", "new")
    assert not (target / "old.txt").exists()
    assert read_manifest(target).source == "new"
    assert os.listdir(tmp_path) == ["m"]


def test_leftovers_of_one_model_are_removed(tmp_path):
    for name in (".m@abc", ".m@def", ".m2@abc", "m"):
        (tmp_path / name).mkdir()
    remove_leftovers(tmp_path / "m")
    assert sorted(os.listdir(tmp_path)) == [".m2@abc", "m"]


@pytest.fixture
def fetched(tmp_path, write_model):
    target = tmp_path / "m"
    with new_folder(target) as staging:
        write_model(staging)
        publish(staging, target, "m", "somewhere")
    return target


def test_missing_manifest_is_told(fetched):
    (fetched / MANIFEST).unlink()
    with pytest.raises(NotFoundError, match="was not fetched to its end"):
        check_fetched(fetched)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"files": {}}', '{"name": "m", "source": "s", "files": {"a": {}}}']
)
def test_damaged_manifest_is_told(fetched, content):
    (fetched / MANIFEST).write_text(content)
    with pytest.raises(FetchError, match=r"tunery-model\.json is damaged"):
        check_fetched(fetched)


def test_missing_and_shortened_files_are_told(fetched):
    file = fetched / "model.safetensors"
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    with pytest.raises(FetchError, match=f"has {len(content) - 1} bytes, expected {len(content)}"):
        check_fetched(fetched)
    file.unlink()
    with pytest.raises(FetchError, match=r"model\.safetensors is missing"):
        check_fetched(fetched)


def test_changed_bytes_are_found_when_asked_for(fetched):
    file = fetched / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    check_fetched(fetched)
    with pytest.raises(FetchError, match=r"model\.safetensors has sha256 .*, expected"):
        check_fetched(fetched, verify=True)


@pytest.mark.parametrize("shards", [1, 3])
def test_whole_model_passes(tmp_path, write_model, shards):
    check_model(write_model(tmp_path / "m", shards=shards))


def problem(folder, **options):
    with pytest.raises(UserError) as caught:
        check_model(folder, **options)
    return caught.value


def test_model_without_its_parts(tmp_path, write_model):
    folder = write_model(tmp_path / "m")
    (folder / "tokenizer.json").unlink()
    assert problem(folder).message == (
        f"{folder} has no tokenizer; expected tokenizer.json or tokenizer.model."
    )
    (folder / "model.safetensors").unlink()
    assert problem(folder).message == f"{folder} holds no weights: *.safetensors is missing."
    (folder / "config.json").write_text("[1]")
    assert problem(folder, called="it").message == "config.json of it holds no mapping."
    (folder / "config.json").write_text("{")
    assert "config.json of it cannot be read" in problem(folder, called="it").message
    (folder / "config.json").unlink()
    assert problem(folder).message == f"{folder} holds no model: config.json is missing."


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_pickled_weights_are_refused(tmp_path, write_model, name):
    folder = write_model(tmp_path / "m")
    (folder / "model.safetensors").rename(folder / name)
    error = problem(folder)
    assert f"only as {name}, a pickle, which can run code" in error.message
    assert "save_pretrained, which writes safetensors" in error.hint


def test_missing_piece_of_the_weights_is_told(tmp_path, write_model):
    folder = write_model(tmp_path / "m", shards=3)
    (folder / "model-00002-of-00003.safetensors").unlink()
    message = problem(folder).message
    assert "lacks model-00002-of-00003.safetensors (1 of 3 weight files are missing)" in message


@pytest.mark.parametrize("content", ["{", "[]", '{"weight_map": []}', '{"weight_map": {"a": {}}}'])
def test_damaged_index_is_told(tmp_path, write_model, content):
    folder = write_model(tmp_path / "m", shards=2)
    (folder / "model.safetensors.index.json").write_text(content)
    assert "model.safetensors.index.json of" in problem(folder).message


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda content: content[:-3], "cut short or damaged"),
        (lambda content: content + b"x", "cut short or damaged"),
        (lambda content: b"", "is not a safetensors file"),
        (lambda content: struct.pack("<Q", 2**60) + b"{}", "it ends inside its header"),
        (lambda content: struct.pack("<Q", 2) + b"[]", "is not a safetensors file"),
        (lambda content: b"version https://git-lfs.github.com/spec/v1\n", "is not a safetensors"),
    ],
)
def test_damaged_weights_are_told(tmp_path, write_model, damage, text):
    file = write_model(tmp_path / "m") / "model.safetensors"
    file.write_bytes(damage(file.read_bytes()))
    assert text in problem(file.parent).message


def test_model_that_needs_its_own_code_is_refused(tmp_path, write_model):
    config = {"model_type": "surprise", "auto_map": {"AutoModel": "modeling.Surprise"}}
    folder = write_model(tmp_path / "m", config=config)
    assert "needs Python code of its own (modeling.Surprise), which is refused" in str(
        problem(folder)
    )
    check_model(folder, allow_remote_code=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "x", "auto_map": "odd"}))
    assert "(odd)" in problem(folder).message


def test_code_beside_an_architecture_that_is_built_in_is_ignored(tmp_path, write_model):
    config = {"model_type": "phi3", "auto_map": {"AutoModel": "modeling_phi3.Phi3"}}
    check_model(write_model(tmp_path / "m", config=config))
