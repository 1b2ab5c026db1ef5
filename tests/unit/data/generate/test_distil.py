import json

import pytest

from tunery.data.generate.distil import Wanted, distil
from tunery.data.read import read_conversations
from tunery.errors import DataError, NotFoundError, UserError

ASKED = [{"role": "system", "content": "S"}, {"role": "user", "content": "2+2?"}]
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
ADD = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}


def stored(content="4", model="big", finish="stop", question="2+2?", **more):
    turns = [{"id": "m-0", **ASKED[0]}, {"id": "m-1", "role": "user", "content": question}]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": model,
        "metadata": {"app": "shop"},
        "messages": turns,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, "tool_calls": None},
                "finish_reason": finish,
            }
        ],
        **more,
    }


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


class Distilled:
    def __init__(self, folder, *values, **wanted):
        log = folder / "log.jsonl"
        texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
        log.write_text("".join(f"{text}\n" for text in texts))
        self.result = distil([log], folder / "train.jsonl", Wanted(**wanted))
        self.rows = lines(folder / "train.jsonl")
        self.rejected = lines(folder / "train.rejected.jsonl")
        assert self.result.read == len(self.rows) + len(self.rejected)
        assert self.result.kept == len(self.rows)

    @property
    def reasons(self):
        return [row["reason"] for row in self.rejected]


def test_stored_completions(tmp_path):
    found = Distilled(tmp_path, stored())

    assert found.rows == [
        {
            "messages": [*ASKED, {"role": "assistant", "content": "4"}],
            "metadata": {
                "document": str(tmp_path / "log.jsonl"),
                "position": "line 1",
                "task": "distil",
                "teacher": "big",
                "request_id": "chatcmpl-1",
                "date": "2023-11-14T22:13:20+00:00",
            },
        }
    ]
    assert len(read_conversations(tmp_path / "train.jsonl").rows) == 1


@pytest.mark.parametrize("wrap", [lambda body: body, lambda body: {"body": body}])
def test_pairs_of_request_and_response(tmp_path, wrap):
    request = {"model": "m", "messages": ASKED, "tools": [ADD], "parallel_tool_calls": True}
    message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    response = {"choices": [{"message": message, "finish_reason": "tool_calls"}]}

    found = Distilled(tmp_path, {"request": wrap(request), "response": wrap(response)})

    (row,) = found.rows
    assert row["messages"][-1] == {"role": "assistant", "tool_calls": [CALL]}
    assert row["tools"] == [ADD]
    assert row["parallel_tool_calls"] is True
    assert row["metadata"]["teacher"] == "m"


def test_earlier_answers_are_not_learned_again(tmp_path):
    turns = [*ASKED, {"role": "assistant", "content": "5"}, {"role": "user", "content": "Sure?"}]

    (row,) = Distilled(tmp_path, stored(messages=turns)).rows

    assert row["messages"][2] == {"role": "assistant", "content": "5", "weight": 0}
    assert "weight" not in row["messages"][-1]


def test_filters(tmp_path):
    found = Distilled(
        tmp_path,
        stored(model="small", question="1"),
        stored(finish="length", question="2"),
        stored(metadata={"app": "other"}, question="3"),
        stored(metadata=None, question="4"),
        stored(question="5"),
        models=["big"],
        metadata={"app": "shop"},
    )

    assert found.reasons == ["log.left_aside"] * 4
    said = [row["message"] for row in found.rejected]
    assert '"small"; expected "big"' in said[0]
    assert '"length"' in said[1]
    assert '"other"; expected "shop"' in said[2]
    assert "not there" in said[3]
    assert len(found.rows) == 1


def test_finish_reasons_can_be_chosen(tmp_path):
    assert len(Distilled(tmp_path, stored(finish="length"), finish_reasons=["length"]).rows) == 1


def test_what_is_not_taken(tmp_path):
    held_out = tmp_path / "test.jsonl"
    held_out.write_text('{"prompt": "held out?", "completion": "x"}\n')
    refused = stored(question="r")
    refused["choices"][0]["message"]["refusal"] = "No."
    found = Distilled(
        tmp_path,
        "{torn",
        {"id": 1},
        {"request": {"messages": ASKED}},
        stored(messages=[]),
        stored(choices=[]),
        stored(choices=[{"delta": {}}]),
        stored(),
        stored(),
        stored(content=""),
        stored(question="as", content="As an AI, no."),
        refused,
        stored(question="Held out?"),
        stored(messages=[3]),
        stored(messages=[{"role": "user", "content": [{"type": "image_url"}]}]),
        held_out=held_out,
    )

    assert found.reasons == [
        "log.unreadable",
        *["log.shape"] * 5,
        "row.duplicate",
        "row.invalid",
        "row.refusal",
        "row.refusal",
        "row.leak",
        "row.invalid",
        "row.invalid",
    ]
    assert len(found.rows) == 1


def test_another_system_prompt_is_another_prompt(tmp_path):
    other = [{"role": "system", "content": "T"}, ASKED[1]]
    assert len(Distilled(tmp_path, stored(), stored(messages=other)).rows) == 2


def test_every_choice_is_a_row_of_its_own(tmp_path):
    value = stored()
    value["choices"].append(value["choices"][0] | {"index": 1})
    assert Distilled(tmp_path, value).reasons == ["row.duplicate"]


def test_content_parts_of_a_store(tmp_path):
    turn = {"role": "user", "content": None, "content_parts": [{"type": "text", "text": "hi"}]}
    (row,) = Distilled(tmp_path, stored(messages=[turn])).rows
    assert row["messages"][0]["content"] == [{"type": "text", "text": "hi"}]


@pytest.mark.parametrize("created", [10**30, -(10**18), "x", None])
def test_odd_dates(tmp_path, created):
    (row,) = Distilled(tmp_path, stored(created=created)).rows
    assert "date" not in row["metadata"]


def test_nothing_is_overwritten_and_nothing_is_left_of_a_failure(tmp_path):
    Distilled(tmp_path, stored())
    with pytest.raises(UserError, match="is there already"):
        Distilled(tmp_path, stored())
    with pytest.raises(NotFoundError):
        distil([tmp_path / "gone.jsonl"], tmp_path / "new.jsonl", Wanted())
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "log.jsonl",
        "train.jsonl",
        "train.rejected.jsonl",
    ]


def test_an_empty_log(tmp_path):
    (tmp_path / "log.jsonl").write_text("\n")
    with pytest.raises(DataError, match="no completion"):
        distil([tmp_path / "log.jsonl"], tmp_path / "train.jsonl", Wanted())
