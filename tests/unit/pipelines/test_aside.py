"""An earlier run comes back if the new one of its name is refused."""

import pytest

from tunery.pipelines.aside import moved_aside


def write(folder, text):
    folder.mkdir()
    (folder / "it").write_text(text)


def read(folder):
    return (folder / "it").read_text() if folder.exists() else None


@pytest.fixture
def runs(tmp_path):
    return tmp_path


def test_a_run_that_begins_moves_the_earlier_one_aside(runs):
    for number in range(3):
        with moved_aside(runs / "a", "run", lambda _: None, resume=False) as begin:
            write(runs / "a", str(number))
            begin()
    assert (read(runs / "a"), read(runs / ".previous" / "a")) == ("2", "1")
    assert not (runs / ".older" / "a").exists()


def test_a_run_that_is_refused_gives_back_what_was_there(runs):
    for number in range(2):
        with moved_aside(runs / "a", "run", lambda _: None, resume=False) as begin:
            write(runs / "a", str(number))
            begin()
    told = []

    def refused():
        with moved_aside(runs / "a", "run", told.append, resume=False):
            write(runs / "a", "refused")
            raise ValueError

    for _ in range(2):
        with pytest.raises(ValueError):  # noqa: PT011 - any error
            refused()
        assert (read(runs / "a"), read(runs / ".previous" / "a")) == ("1", "0")
        assert read(runs / ".refused" / "a") == "refused"
    refused_one = runs / ".refused" / "a"
    back = f"The earlier run is back in {runs / 'a'}; what this one wrote is in {refused_one}."
    assert told[-1] == back


def test_a_run_that_fails_after_its_begin_stays(runs):
    write(runs / "a", "before")

    def failing():
        with moved_aside(runs / "a", "run", lambda _: None, resume=False) as begin:
            write(runs / "a", "new")
            begin()
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - any error
        failing()
    assert (read(runs / "a"), read(runs / ".previous" / "a")) == ("new", "before")


def test_a_resumed_or_first_run_moves_nothing(runs):
    with moved_aside(runs / "a", "run", pytest.fail, resume=False):
        write(runs / "a", "first")
    with moved_aside(runs / "a", "run", pytest.fail, resume=True):
        assert read(runs / "a") == "first"
