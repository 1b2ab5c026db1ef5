import json

import pytest


def error_of(response, status=400):
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    return body["error"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tools", [{"type": "function", "function": {"name": "f"}}]),
        ("functions", [{"name": "f"}]),
        ("tool_choice", "required"),
        ("function_call", {"name": "f"}),
        ("response_format", {"type": "json_schema", "json_schema": {}}),
        ("response_format", {"type": "json_object"}),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("logit_bias", {"50256": -100}),
        ("frequency_penalty", 0.5),
        ("presence_penalty", -1),
        ("modalities", ["text", "audio"]),
        ("audio", {"voice": "alloy", "format": "wav"}),
        ("moderation", {"model": "m"}),
        ("web_search_options", {}),
    ],
)
def test_what_would_change_the_meaning_is_refused(ask, field, value):
    error = error_of(ask(**{field: value}))

    assert error["message"] == f"{field}: not supported yet; leave it out."
    assert error["type"] == "invalid_request_error"
    assert error["param"] == field
    assert error["code"] == "unsupported_parameter"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tools", []),
        ("tool_choice", "none"),
        ("response_format", {"type": "text"}),
        ("logprobs", False),
        ("logit_bias", {}),
        ("frequency_penalty", 0),
        ("presence_penalty", 0.0),
        ("modalities", ["text"]),
    ],
)
def test_unsupported_fields_may_say_that_they_are_not_used(ask, field, value):
    assert ask(**{field: value}).status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("temperature", 2.5, "less than or equal to 2, not 2.5"),
        ("temperature", "1", 'valid number, not "1"'),
        ("temperature", True, "valid number, not true"),
        ("top_p", 0, "greater than 0, not 0"),
        ("max_tokens", 0, "greater than or equal to 1, not 0"),
        ("max_completion_tokens", 1.5, "not 1.5"),
        ("n", 9, "less than or equal to 8, not 9"),
        ("seed", "x", 'valid integer, not "x"'),
        ("seed", 2**63, "less than"),
        ("stop", ["a", "b", "c", "d", "e"], "at most 4 items"),
        ("stop", 3, "valid list, not 3"),
        ("stream", "yes", 'valid boolean, not "yes"'),
        ("stream_options", 1, "stream_options"),
        ("model", 5, "valid string, not 5"),
        ("model", "", "at least 1 character"),
        ("messages", [], "at least 1 item"),
        ("messages", "hi", 'valid list, not "hi"'),
    ],
)
def test_wrong_values_are_named_with_what_was_given(ask, field, value, expected):
    error = error_of(ask(**{field: value}))

    assert error["message"].startswith(f"{field}: ")
    assert expected in error["message"]
    assert error["type"] == "invalid_request_error"
    assert error["param"] == field


def test_long_values_are_cut_in_messages(ask):
    message = error_of(ask(temperature="x" * 5000))["message"]

    assert len(message) < 200


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(client, value):
    raw = '{"model": "base", "messages": [{"role": "user", "content": ""}], "temperature": %s}'

    response = client.post(
        "/v1/chat/completions", content=raw % value, headers={"content-type": "application/json"}
    )

    assert error_of(response)["param"] == "temperature"


def test_an_empty_stop_text_is_refused(ask):
    assert error_of(ask(stop=""))["param"] == "stop[0]"


@pytest.mark.parametrize(
    ("message", "param", "expected"),
    [
        ({"role": "tool", "content": "4"}, "role", "tool results are not supported yet."),
        ({"role": "function", "content": "4"}, "role", "not supported yet."),
        ({"role": "bot", "content": "4"}, "role", 'not "bot".'),
        ({"content": "4"}, "role", "field required."),
        ({"role": "user"}, "content", "field required."),
        ({"role": "user", "content": None}, "content", "valid string, not null."),
        ({"role": "user", "content": 4}, "content", "valid string, not 4."),
        ({"role": "user", "content": "\ud800"}, "content", "should be text of whole Unicode"),
        ({"role": "user", "content": [{"type": "\ud800"}]}, "content", "is of type '\\ud800'"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]},
            "content",
            "part 0 is of type 'image_url', which is not supported yet; send text parts.",
        ),
        (
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text"}]},
            "content",
            'part 1 should be an object {"type": "text", "text": "…"}.',
        ),
        ({"role": "user", "content": ["a"]}, "content", "part 0 should be an object"),
        ({"role": "user", "content": [{"type": ["text"]}]}, "content", "part 0 should be"),
        (
            {"role": "assistant", "content": "", "tool_calls": [{"id": "c"}]},
            "tool_calls",
            "not supported yet; leave it out.",
        ),
    ],
)
def test_wrong_messages_are_named_by_place(client, message, param, expected):
    body = {"model": "base", "messages": [{"role": "user", "content": "a"}, message]}

    # ASCII escapes, as the lone half of a pair of surrogates cannot be sent otherwise.
    response = client.post(
        "/v1/chat/completions",
        content=json.dumps(body),
        headers={"content-type": "application/json"},
    )

    error = error_of(response)
    assert error["param"] == f"messages[1].{param}"
    assert expected in error["message"]


def test_all_problems_are_told_at_once(ask):
    message = error_of(ask(temperature=3, top_p=2, messages=[{"role": "x"}]))["message"]

    for field in ("temperature", "top_p", "messages[0].role", "messages[0].content"):
        assert f"{field}: " in message


def test_many_problems_are_counted(ask):
    message = error_of(ask(messages=[{"role": "user"}] * 25))["message"]

    assert message.count("field required") == 10
    assert message.endswith("And 15 more.")


def test_the_two_names_of_a_limit_must_agree(ask):
    error = error_of(ask(max_tokens=3, max_completion_tokens=4))

    assert error["param"] == "max_tokens"
    assert error["message"] == (
        "max_tokens is 3, but max_completion_tokens, its newer name, is 4. Send one of them."
    )


def test_stream_options_need_a_stream(ask):
    error = error_of(ask(stream_options={"include_usage": True}))

    assert error["param"] == "stream_options"
    assert "only possible with stream: true" in error["message"]


def test_several_answers_cannot_be_streamed_yet(ask):
    error = error_of(ask(stream=True, n=2))

    assert error["param"] == "n"
    assert "only one answer at a time can be streamed yet" in error["message"]


def test_unknown_model_names_the_known_ones(ask):
    error = error_of(ask(model="nope"), 404)

    assert error == {
        "message": "There is no model 'nope' here; the models are: base, team/tuned:v2. "
        "Use one of these names.",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }


def test_prompt_longer_than_the_context_is_the_clients_mistake(ask):
    error = error_of(ask(messages=[{"role": "user", "content": "a " * 1001}]))

    assert error["message"] == (
        "The prompt has 1001 tokens, but the context holds 1000. Shorten the prompt."
    )


def test_ignored_fields_are_logged_once(ask, caplog):
    fields = {"user": "u", "store": True, "metadata": {"a": "b"}, "mystery": 1, "verbosity": None}
    message = {"role": "user", "content": "hi", "name": "Ada", "annotations": []}

    for _ in range(3):
        assert ask(**fields, messages=[message]).status_code == 200
    ask(stream=True, stream_options={"include_obfuscation": False})

    told = [record.getMessage() for record in caplog.records if "is ignored" in record.message]
    assert told == [
        f"The request field '{name}' has no effect here and is ignored."
        for name in (
            "user",
            "store",
            "metadata",
            "mystery",
            "messages[].name",
            "stream_options.include_obfuscation",
        )
    ]


def test_log_of_ignored_fields_is_bounded(ask, caplog):
    for start in range(0, 1500, 500):
        ask(**{f"field{number}": 1 for number in range(start, start + 500)})

    assert sum("is ignored" in record.message for record in caplog.records) == 1000
