import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunery.config.load import dump_run, load_run
from tunery.config.reference import describe
from tunery.config.run import RunConfig
from tunery.config.text import MAX_BYTES
from tunery.errors import ConfigError, NotFoundError

GOOD = """\
name: my-run
model: smollm2-135m-instruct
data:
  train: train.jsonl
  validation: 0.1
  test: ../test.jsonl
train:
  epochs: 2
  learning_rate: 1e-3
"""


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="config.yaml"):
        path = tmp_path / "job" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def problems(path, overrides=()):
    """The lines of the error, with the file's folder cut off."""
    with pytest.raises(ConfigError) as caught:
        load_run(path, overrides)
    return caught.value.message.replace(f"{path.parent}/", "").splitlines()


def with_lines(text):
    """The good file with lines put at its end."""
    return f"{GOOD}{text}\n"


def test_file_becomes_config_with_defaults(write, tmp_path):
    config = load_run(write(GOOD))
    assert (config.name, config.model) == ("my-run", "smollm2-135m-instruct")
    assert config.data.train == tmp_path / "job" / "train.jsonl"
    assert config.data.validation == 0.1
    assert config.data.test == tmp_path / "test.jsonl"
    assert config.train.epochs == 2
    assert config.train.learning_rate == 1e-3
    assert config.train.batch_size == "auto"
    assert config.method.rank == "auto"


def test_unknown_key_names_line_and_nearest_key(write):
    lines = problems(write(GOOD.replace("epochs", "epoch")))
    assert lines == ["config.yaml:8: train.epoch is not a key of train; did you mean train.epochs?"]


@pytest.mark.parametrize(
    ("addition", "advice"),
    [
        ("  lr: 1", "train.lr is not a key of train; did you mean train.learning_rate?"),
        (
            "batch_size: 4",
            "batch_size is not a key of the configuration; did you mean train.batch_size?",
        ),
        ("lr: 4", "lr is not a key of the configuration; did you mean train.learning_rate?"),
        (
            "evaluate: {zzz: 1}",
            "evaluate.zzz is not a key of evaluate; its keys are max_tokens, batch_size, limit",
        ),
    ],
)
def test_unknown_key_advice(write, addition, advice):
    assert problems(write(with_lines(addition))) == [f"config.yaml:10: {advice}"]


def test_all_problems_come_at_once_in_the_order_of_the_file(write):
    path = write(
        "name: My Run\n"
        "data:\n"
        "  train: 5\n"
        "train:\n"
        "  epoch: 3\n"
        "  batch_size: eight\n"
        "  seed: true\n"
        "  epochs: 2.0\n"
        "method:\n"
        "  targets: [q_proj, 5]\n"
        "evaluate: no\n"
    )
    assert problems(path, ["train.lr=fast", "method.rank=0", "oops"]) == [
        "config.yaml:1: name is 'My Run', expected text that matches ^[a-z0-9][a-z0-9._-]{0,63}$",
        "config.yaml:1: model is missing, expected text of at least 1 character (Base model: a "
        "catalog name (`tunery models list`), a local folder, or a Hugging Face id)",
        "config.yaml:3: data.train is 5, expected a path or a list of sections with file, weight",
        "config.yaml:5: train.epoch is not a key of train; did you mean train.epochs?",
        "config.yaml:6: train.batch_size is 'eight', expected a whole number of at least 1 or auto",
        "config.yaml:7: train.seed is true, expected a whole number of at least 0",
        "config.yaml:8: train.epochs is 2.0, expected a whole number of at least 1 or auto",
        "config.yaml:10: method.targets[1] is 5, but method.targets takes a list of texts or null",
        "config.yaml:11: evaluate is 'no', expected a section with max_tokens, batch_size, limit",
        "--set oops: expected key=value, such as train.epochs=2",
        "--set method.rank=0: method.rank is 0, expected a whole number of at least 1 and at "
        "most 1024 or auto",
        "--set train.lr=fast: train.lr is not a key of train; did you mean train.learning_rate?",
    ]


def test_missing_key_is_placed_at_its_section(write):
    path = write("name: a\nmodel: b\n\ndata:\n  test: x.jsonl\n")
    assert problems(path) == [
        "config.yaml:4: data.train is missing, expected a path or a list of sections with "
        "file, weight (File with the rows to learn from: `.jsonl` or `.csv`; or a list of files "
        "to mix)"
    ]


def test_union_is_reported_once(write):
    lines = problems(write(GOOD.replace("0.1", "[1]")))
    assert lines == [f"config.yaml:5: data.validation is [1], expected {expected_of('validation')}"]


def expected_of(name):
    return next(key.type for key in describe() if key.path == f"data.{name}")


def test_long_value_is_shortened(write):
    (line,) = problems(write(with_lines(f"evaluate: {{limit: {'x' * 500}}}")))
    assert "'" + "x" * 58 + "…" in line
    assert len(line) < 160


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("name: a\n  model: b\n", 2, "mapping values are not allowed"),
        ("name: [a\n", 2, "this is not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "another document"),
        ("name: a\x01b\n", 1, "this is not YAML: unacceptable character"),
        ("name: *nobody\n", 1, "undefined alias"),
        ("a: 1\na: 2\n", 2, "a is given twice, first in line 1"),
        ("train:\n  epochs: 1\n  seed: 1\n  epochs: 2\n", 4, "train.epochs is given twice"),
        ("name: !!python/object:os.system a\n", 1, "the tag tag:yaml.org,2002:python"),
        ("name: !!int eight\n", 1, "'eight' does not fit the tag"),
        ("name: !!bool yes\n", 1, "'yes' does not fit the tag"),
        ("[a, b]: 1\n", 1, "a key is a list or a mapping"),
        ("- a\n- b\n", 1, "the file is ['a', 'b'], expected keys"),
        ("just text\n", 1, "the file is 'just text', expected keys"),
        ("true\n", 1, "the file is true, expected keys"),
        ("a: &x [*x, *x]\n", 1, "nested too deeply"),
        ("[\n" * 600, 1, "nested too deeply"),
    ],
)
def test_what_is_not_plain_yaml_is_told_with_its_line(write, text, line, reason):
    lines = problems(write(text))
    assert lines[0].startswith(f"config.yaml:{line}: ")
    assert reason in lines[0]


def test_aliases_that_unfold_to_billions_are_stopped(write):
    rows = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    (line,) = problems(write("\n".join(rows)))
    assert "more than 10000 values" in line


def test_merge_keys_and_aliases_are_unfolded(write):
    text = (
        "name: a\nmodel: b\ndata: &base {train: x.jsonl, max_tokens: 64}\n"
        "evaluate: {limit: 3}\ntrain:\n  seed: 1\n"
    )
    config = load_run(write(text + "method: &m {rank: 4}\n"))
    assert (config.method.rank, config.data.max_tokens) == (4, 64)
    lines = problems(write(text + "method:\n  <<: *base\n  rank: 4\n  name: *base\n"))
    assert [line.split(" is ")[0] for line in lines] == [
        "config.yaml:3: method.train",
        "config.yaml:3: method.max_tokens",
        "config.yaml:10: method.name",
    ]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "~\n"])
def test_empty_file_lacks_its_required_keys(write, text):
    assert [line.split(" is ")[0] for line in problems(write(text))] == [
        "config.yaml:1: name",
        "config.yaml:1: model",
        "config.yaml:1: data",
    ]


def test_missing_file_is_named(tmp_path):
    with pytest.raises(NotFoundError, match=r"none\.yaml is not there"):
        load_run(tmp_path / "none.yaml")


def test_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_run(tmp_path)


def test_other_encoding_is_refused_with_its_line(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes(b"name: a\nmodel: na\xefve\n")
    assert problems(path) == ["config.yaml:2: the text is not UTF-8 (byte 0xef)."]


def test_byte_order_mark_is_skipped(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_run(path).name == "my-run"


def test_large_file_is_refused(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="has 1000001 bytes, expected at most 1000000"):
        load_run(path)


def test_override_wins_and_is_parsed_as_yaml(write):
    overrides = [
        "train.epochs=5",
        "method.targets=[q_proj, v_proj]",
        "evaluate.limit=7",
        "name=no",
        "data.validation=null",
        "train.epochs=6",
    ]
    config = load_run(write(GOOD), overrides)
    assert config.train.epochs == 6
    assert config.method.targets == ("q_proj", "v_proj")
    assert config.evaluate.limit == 7
    assert config.name == "no"
    assert config.data.validation is None


def test_override_of_an_empty_section(write):
    text = "name: a\nmodel: b\ndata: {train: x.jsonl}\nevaluate:\n"
    assert load_run(write(text), ["evaluate.limit=2"]).evaluate.limit == 2


def test_whole_section_can_be_overridden(write):
    path = write(GOOD)
    config = load_run(path, ["train.seed=4", "train={epochs: 9}"])
    assert (config.train.epochs, config.train.seed) == (9, 0)
    assert problems(path, ["train={epoch: 9}"]) == [
        "--set train={epoch: 9}: train.epoch is not a key of train; did you mean train.epochs?"
    ]


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("train.epochs", "expected key=value, such as train.epochs=2"),
        ("=3", "expected key=value, such as train.epochs=2"),
        ("train..epochs=3", "expected key=value, such as train.epochs=2"),
        ("name.first=3", "name is 'my-run', not a section with keys in it"),
        ("train.epochs=[1", "this is not YAML: while parsing a flow sequence"),
        ("train.epochs=3\n", None),
        (
            "data.columns.prompts=q",
            "data.columns.prompts is not a key of data.columns; did you mean",
        ),
        ("train.x.y=2", "train.x is not a key of train; its keys are epochs"),
    ],
)
def test_override_problem_names_the_override(write, override, text):
    path = write(GOOD)
    if text is None:
        assert load_run(path, [override]).train.epochs == 3
        return
    (line,) = problems(path, [override])
    assert line.startswith(f"--set {override}: {text}")


def test_override_path_counts_from_the_current_folder(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load_run(write(GOOD), ["data.test=here.jsonl", "model=./m"])
    assert config.data.test == tmp_path / "here.jsonl"
    assert config.model == str(tmp_path / "m")
    assert config.data.train == tmp_path / "job" / "train.jsonl"


def test_model_is_a_path_if_it_says_so_or_is_a_folder(write, tmp_path):
    path = write(GOOD.replace("smollm2-135m-instruct", "./weights"))
    assert load_run(path).model == str(tmp_path / "job" / "weights")
    path = write(GOOD.replace("smollm2-135m-instruct", "weights"))
    assert load_run(path).model == "weights"
    (tmp_path / "job" / "weights").mkdir()
    assert load_run(path).model == str(tmp_path / "job" / "weights")
    path = write(GOOD.replace("smollm2-135m-instruct", "/opt/weights"))
    assert load_run(path).model == "/opt/weights"
    path = write(GOOD.replace("smollm2-135m-instruct", "."))
    assert load_run(path).model == str(tmp_path / "job")


def test_link_keeps_its_name(write, tmp_path):
    (tmp_path / "blob").write_text("{}")
    path = write(GOOD)
    (path.parent / "train.jsonl").symlink_to(tmp_path / "blob")
    assert load_run(path).data.train.suffix == ".jsonl"


def test_home_sign_is_expanded(write, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    config = load_run(write(GOOD.replace("train.jsonl", "~/x.jsonl")))
    assert config.data.train == tmp_path / "x.jsonl"


@pytest.mark.parametrize("value", ['"a\\0b/c"', "~nobody-of-this-name/x.jsonl"])
def test_what_cannot_be_a_path_is_told(write, value):
    (line,) = problems(write(GOOD.replace("train.jsonl", value)))
    assert line.startswith("config.yaml:4: data.train is ")
    assert "not a path" in line


def test_relative_file_name_works(write, tmp_path, monkeypatch):
    path = write(GOOD)
    monkeypatch.chdir(path.parent)
    assert load_run(Path("config.yaml")).data.train == path.parent / "train.jsonl"


def test_infinity_is_no_number(write):
    (line,) = problems(write(with_lines("method: {alpha: .inf}")))
    assert line == "config.yaml:10: method.alpha is inf, expected a number above 0 or null"


def test_half_of_a_surrogate_pair_is_refused(write):
    (line,) = problems(write(GOOD.replace("my-run", '"\\ud800"')))
    assert line.startswith("config.yaml:1: ")


texts = st.text(min_size=1, max_size=20)
file_names = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="/\0"), min_size=1, max_size=12
).filter(lambda name: name not in (".", ".."))
paths = file_names.map(lambda name: f"/data/{name}")
configs = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[a-z0-9][a-z0-9._-]{0,63}", fullmatch=True),
        "model": texts.filter(
            lambda text: not text.startswith((".", "~", "/")) and "\0" not in text
        ),
        "data": st.fixed_dictionaries(
            {"train": paths},
            optional={
                "validation": st.none() | paths | st.floats(0.01, 0.99),
                "columns": st.none()
                | st.fixed_dictionaries({"prompt": texts, "completion": texts, "system": texts}),
                "system": st.none() | texts,
                "max_tokens": st.none() | st.integers(8, 2**70),
            },
        ),
        "method": st.fixed_dictionaries(
            {},
            optional={
                "alpha": st.none() | st.floats(1e-300, 1e300),
                "targets": st.none() | st.lists(texts, min_size=1, max_size=3),
            },
        ),
        "train": st.fixed_dictionaries(
            {}, optional={"learning_rate": st.floats(1e-12, 1), "schedule": st.just("constant")}
        ),
    }
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(configs)
def test_dump_reads_back_to_the_same_value(tmp_path, value):
    config = RunConfig.model_validate_json(json.dumps(value), strict=True)
    path = tmp_path / "config.yaml"
    path.write_text(dump_run(config), encoding="utf-8", newline="")
    assert load_run(path) == config
    # any other reader of YAML sees the same
    assert yaml.safe_load(dump_run(config)) == config.model_dump(mode="json")


@pytest.mark.parametrize("sign", ["\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("text", ["{}", "a{}b", "{} ", "a\n{}"])
def test_unusual_ends_of_lines_are_read_back(write, sign, text):
    config = load_run(write(GOOD)).model_copy(update={"model": text.format(sign)})
    assert yaml.safe_load(dump_run(config))["model"] == config.model


def test_dump_names_every_key(write):
    text = dump_run(load_run(write(GOOD)))
    assert "keep_checkpoints: 2" in text
    assert text.startswith("name: my-run\n")
