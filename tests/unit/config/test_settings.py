from pathlib import Path

import pytest

from tunery.config.reference import describe
from tunery.config.settings import HOME_VARIABLES, OFFLINE_VARIABLES, Settings, read_settings
from tunery.errors import ConfigError


def test_defaults():
    settings = read_settings({})
    assert settings.home == Path("~/.tunery").expanduser()
    assert settings.offline is False


def test_home_is_expanded_and_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert read_settings({"TUNERY_HOME": "~/models"}).home == tmp_path / "me" / "models"
    assert read_settings({"TUNERY_HOME": "models"}).home == tmp_path / "models"
    assert read_settings({"TUNERY_HOME": " "}).home == tmp_path / "me" / ".tunery"


@pytest.mark.parametrize("variable", OFFLINE_VARIABLES)
@pytest.mark.parametrize(
    ("value", "offline"), [("1", True), ("ON", True), ("yes", True), ("0", False), ("", False)]
)
def test_either_variable_turns_the_network_off(variable, value, offline):
    assert read_settings({variable: value}).offline is offline


def test_all_problems_come_at_once(tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ConfigError) as caught:
        read_settings({"TUNERY_HOME": str(file), "TUNERY_OFFLINE": "maybe", "HF_HUB_OFFLINE": "2"})
    assert caught.value.message.splitlines() == [
        f"TUNERY_HOME is {str(file)!r}, which is a file, expected a folder",
        "TUNERY_OFFLINE is 'maybe', expected 1 or 0",
        "HF_HUB_OFFLINE is '2', expected 1 or 0",
    ]


def test_home_of_an_unknown_user():
    with pytest.raises(ConfigError, match="no home folder of that user is known"):
        read_settings({"TUNERY_HOME": "~nobody-of-this-name/x"})


def test_settings_are_described_with_their_variables():
    assert {key.path for key in describe(Settings)} == {"home", "offline"}
    for name, variables in (("home", HOME_VARIABLES), ("offline", OFFLINE_VARIABLES)):
        extra = Settings.model_fields[name].json_schema_extra
        assert isinstance(extra, dict)
        assert extra["variables"] == list(variables)
