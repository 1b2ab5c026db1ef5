"""The profile of a file has the numbers that rendering every row would give."""

import json
import random

import pytest

from tunery.data.conversation import Conversation, Message
from tunery.data.file import understand
from tunery.data.read import read_conversations
from tunery.errors import DataError
from tunery.models.chat_template import ChatTemplate
from tunery.pipelines.prepare import render_rows
from tunery.pipelines.profile import profile_file
from tunery.pipelines.profile_estimates import estimates
from tunery.pipelines.profile_json import profile_document
from tunery.pipelines.row_tokens import RowTokens
from tunery.pipelines.shared_beginnings import SpanTrie, batch_sharing
from tunery.prefix.forest import unique_tokens
from tunery.testing.tiny_models import tiny_tokenizer

LIMIT = 120


@pytest.fixture(scope="module")
def template():
    return ChatTemplate(tiny_tokenizer(), [1])


def write(folder, rows):
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def chat(*turns):
    names = ("role", "content", "weight")
    return {"messages": [dict(zip(names, turn, strict=False)) for turn in turns]}


def mixed(number):
    """Rows of many shapes, some too long, some with nothing to learn, some broken."""
    draw = random.Random(3)
    for index in range(number):
        question, answer = "q" * draw.randint(1, 60), f"a{index} " * draw.randint(1, 12)
        turns = [("system", "Be brief.")] if draw.random() < 0.7 else []
        turns += [("user", question), ("assistant", answer)]
        if draw.random() < 0.3:
            turns += [("user", "<|im_end|> and?"), ("assistant", "Yes.")]
        if draw.random() < 0.1:
            turns = [
                (role, text, 0) if role == "assistant" else (role, text) for role, text in turns
            ]
        yield chat(*turns) if draw.random() > 0.05 else {"messages": []}


def test_figures_are_those_of_rendered_rows(tmp_path, template):
    path = write(tmp_path, mixed(150))
    found = profile_file(understand(path), template, LIMIT)
    rows = [template.row(row) for row in read_conversations(path).rows]
    lengths = [len(row.ids) for row in rows]
    trained = [row.supervised for row in rows]
    tokens = found.tokens
    assert sorted(tokens.lengths.counts.items()) == counted(lengths)
    assert sorted(tokens.trained.counts.items()) == counted(trained)
    assert tokens.trained_share == sum(trained) / sum(lengths)
    assert tokens.cut.rows == sum(length > LIMIT for length in lengths)
    assert tokens.cut.tokens == sum(max(0, length - LIMIT) for length in lengths)
    assert tokens.cut.trained == sum(sum(w != 0 for w in row.weights[LIMIT:]) for row in rows)
    long = [row for row in rows if len(row.ids) > LIMIT]
    assert tokens.cut.without_answer == sum(not any(row.weights[:LIMIT]) for row in long)


def test_blocks_change_nothing(tmp_path, template):
    rows = read_conversations(write(tmp_path, mixed(150))).rows
    made = []
    for block_rows in (7, 1000):
        tokens = RowTokens(template, LIMIT, "rows.jsonl", block_rows)
        for row in rows:
            tokens.add(row)
        tokens.finish()
        made.append((tokens.lengths, tokens.trained, tokens.cut, tokens.beginnings.tokens))
    assert made[0] == made[1]


def counted(values):
    return sorted({value: values.count(value) for value in values}.items())


def test_rows_are_left_out_as_a_run_leaves_them_out(tmp_path, template):
    path = write(tmp_path, mixed(150))
    found = profile_file(understand(path), template, LIMIT)
    read = read_conversations(path)
    kept, refused = render_rows(read.rows, template, LIMIT)
    assert found.used == len(kept)
    mine = {(one.code, one.line) for one in found.findings if one.code.startswith("row.")}
    theirs = {(one.code, one.line) for one in refused}
    assert {one for one in mine if one[0] != "row.duplicate"} == theirs
    assert theirs


def test_what_the_template_refuses_is_a_finding(tmp_path):
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        + tokenizer.chat_template
    )
    path = write(
        tmp_path,
        [
            chat(("user", "Q"), ("assistant", "A")),
            chat(("system", "S"), ("user", "Q"), ("assistant", "A")),
        ],
    )
    found = profile_file(understand(path), ChatTemplate(tokenizer, [1]), LIMIT)
    assert (found.used, found.tokens.rows) == (1, 1)
    [finding] = [one for one in found.findings if one.code == "row.template"]
    assert finding.line == 2
    assert "no system" in finding.message


def test_beginnings_that_rows_share_are_counted_once(tmp_path, template):
    system = ("system", "A system prompt that all rows share.")
    rows = [chat(system, ("user", f"{n}"), ("assistant", f"a{n}")) for n in range(40)]
    path = write(tmp_path, rows)
    found = profile_file(understand(path), template, 512, batch_size=4).tokens
    rendered = [template.row(row) for row in read_conversations(path).rows]
    total = sum(len(row.ids) for row in rendered)
    least = 1 - unique_tokens(rendered, min_shared=1) / total
    assert least - 0.1 < found.shared_in_file <= least  # spans that only begin alike differ
    assert found.batches.whole
    assert (found.batches.batches, found.batches.rows) == (10, 40)
    assert 0 < found.batches.saved < found.shared_in_file


def test_batches_of_a_sample_have_an_interval(template):
    rows = [
        Conversation((Message("user", "x" * (n % 7)), Message("assistant", "y"))) for n in range(21)
    ]
    found = batch_sharing(rows, template, 4, 0, whole=False)
    assert (found.batches, found.rows) == (5, 20)
    assert found.interval is not None
    assert found.interval.lower <= found.saved <= found.interval.upper
    assert batch_sharing(rows[:4], template, 4, 0, whole=False).interval is None
    assert batch_sharing([], template, 4, 0, whole=True).saved == 0


def test_a_trie_counts_each_node_once():
    import numpy as np

    trie = SpanTrie()
    for hashes in ([1, 2, 3], [1, 2, 4], [9]):
        trie.add(np.array(hashes), np.array([10, 20, 30][: len(hashes)], np.int32))
    assert trie.tokens == 10 + 20 + 30 + 30 + 10


def test_a_sample_says_what_it_tells_of_all_rows(tmp_path, template):
    path = write(tmp_path, mixed(300))
    whole = profile_file(understand(path), template, LIMIT)
    sampled = profile_file(understand(path), template, LIMIT, sample=120, seed=1)
    assert (sampled.total, sampled.looked_at) == (300, 120)
    assert estimates(whole) == []
    told = {one.name: one for one in estimates(sampled)}
    assert len(told) == 7
    assert all(one.lower <= one.value <= one.upper for one in told.values())
    mean = told["tokens of a row, mean"]
    assert mean.lower < whole.tokens.lengths.mean < mean.upper
    again = profile_file(understand(path), template, LIMIT, sample=120, seed=1)
    assert profile_document(again) == profile_document(sampled)


def test_intervals_hold_as_often_as_they_say():
    from tunery.data.histogram import Histogram
    from tunery.pipelines.profile_estimates import _mean, _quantile

    draw = random.Random(5)
    held = {"mean": 0, "median": 0}
    for _ in range(300):
        values = Histogram()
        for _ in range(60):
            values.add(int(draw.expovariate(0.01)))
        mean, median = _mean("", values), _quantile("", values, 0.5)
        held["mean"] += mean.lower <= 99.5 <= mean.upper
        held["median"] += median.lower <= 69 <= median.upper
    assert all(270 <= count <= 300 for count in held.values()), held


def test_other_kinds_of_rows_are_told_apart(tmp_path, template):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "Plain text to continue."}\n' * 2)
    found = profile_file(understand(path), template, LIMIT).tokens
    assert (found.rows, found.without) == (0, 2)
    path.write_text('{"prompt": "P", "chosen": "C", "rejected": "R"}\n')
    found = profile_file(understand(path), template, LIMIT).tokens
    assert (found.rows, found.lengths.n) == (1, 1)
    assert found.trained.total == len("C") + 1


def test_a_file_without_rows_is_refused(tmp_path, template):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n")
    with pytest.raises(DataError, match="holds no rows"):
        profile_file(understand(path), template, LIMIT)


def test_progress_is_told(tmp_path, template):
    passed = []
    path = write(tmp_path, mixed(30))
    found = profile_file(understand(path), template, LIMIT, on_rows=passed.append)
    assert sum(passed) == found.tokens.rows > 20
