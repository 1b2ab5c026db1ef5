import asyncio
import json
import socket
import time

import pytest

from tunery.data.generate import http_teacher
from tunery.data.generate.endpoint import Endpoint, read_endpoint
from tunery.data.generate.http_teacher import HttpTeacher
from tunery.errors import RunError, UserError
from tunery.testing.chat_server import Sent, completion, refusal

MESSAGES = [{"role": "system", "content": "Be right."}, {"role": "user", "content": "Fünf?"}]
SCHEMA = {"type": "object"}
ROWS = {"rows": [1]}
KEY = "sk-very-secret"


class Asked:
    """A teacher's answers, how long it waited in between, and what it said."""

    def __init__(self, url, times=1, key="", **settings):
        self.waits, self.notes = [], []
        environment = {"KEY": key}
        endpoint = read_endpoint(url, key_variable="KEY" if key else None, environment=environment)
        self.answers = asyncio.run(self._ask(endpoint, times, settings))

    async def _ask(self, endpoint, times, settings):
        async def wait(seconds):
            self.waits.append(seconds)

        teacher = HttpTeacher(endpoint, "m", say=self.notes.append, wait=wait, **settings)
        async with teacher:
            return [await teacher.ask(MESSAGES, SCHEMA) for _ in range(times)]


def test_asks_by_schema_and_reads_the_answer(serve):
    server = serve(completion(ROWS))

    asked = Asked(server.url, key=KEY, temperature=0.5, max_tokens=70)

    (answer,) = asked.answers
    assert (answer.value, answer.problem, answer.mode) == (ROWS, None, "json_schema")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (100, 10)
    assert answer.usage.known
    assert answer.request_id == "chatcmpl-1"
    assert server.paths == ["/v1/chat/completions"]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert server.bodies[0] == {
        "model": "m",
        "messages": MESSAGES,
        "max_completion_tokens": 70,
        "temperature": 0.5,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "rows", "strict": True, "schema": SCHEMA},
        },
    }


def test_without_a_key_none_is_sent(serve):
    server = serve(completion(ROWS))

    Asked(server.url)

    assert not {"authorization", "api-key"} & server.headers[0].keys()


def test_steps_down_where_schemas_are_refused_and_says_so_once(serve):
    def only_text(body, number):
        return (
            refusal(400) if "response_format" in body else completion("Sure: " + json.dumps(ROWS))
        )

    server = serve(only_text)
    asked = Asked(server.url, times=2)

    assert [answer.value for answer in asked.answers] == [ROWS, ROWS]
    assert [answer.mode for answer in asked.answers] == ["text", "text"]
    kinds = [body.get("response_format", {}).get("type") for body in server.bodies]
    assert kinds == ["json_schema", "json_object", None, None]
    assert len(asked.notes) == 1
    assert "does not take json_schema or json_object; asking for text" in asked.notes[0]
    assert json.dumps(SCHEMA) in server.bodies[2]["messages"][-1]["content"]


def test_json_object_is_tried_before_text(serve):
    server = serve(
        lambda body, _: (
            refusal(422) if body["response_format"]["type"] == "json_schema" else completion(ROWS)
        )
    )

    assert Asked(server.url).answers[0].mode == "json_object"
    assert "JSON" in server.bodies[1]["messages"][-1]["content"]


def test_a_request_that_is_refused_in_every_way_is_a_problem(serve):
    server = serve(refusal(400, "context too long"))

    (answer, again) = Asked(server.url, times=2).answers

    assert answer.problem.reason == "teacher.refused"
    assert "context too long" in answer.problem.message
    assert again.mode == "text"
    assert server.bodies[3]["response_format"]["type"] == "json_schema"  # no lasting step down


def test_waits_as_long_as_the_server_asks_and_repeats(serve):
    server = serve(refusal(429, retry_after="7"), refusal(500), completion(ROWS))

    asked = Asked(server.url)

    assert asked.answers[0].value == ROWS
    assert asked.waits[0] == 7
    assert 0.5 <= asked.waits[1] <= 1
    assert len(server.bodies) == 3


def test_gives_up_after_six_tries(serve):
    server = serve(refusal(503, "busy"))

    asked = Asked(server.url)

    assert asked.answers[0].problem.reason == "teacher.failed"
    assert "busy" in asked.answers[0].problem.message
    assert asked.answers[0].usage is None
    assert (len(server.bodies), len(asked.waits)) == (6, 5)


def test_a_long_pause_ends_the_run(serve):
    with pytest.raises(RunError, match="3600 s") as caught:
        Asked(serve(refusal(429, retry_after="3600")).url)
    assert "--resume" in caught.value.hint


@pytest.mark.parametrize(
    ("sent", "cause"),
    [
        (refusal(401, f"bad key {KEY}"), "key is wrong"),
        (refusal(404), "no such model"),
        (refusal(302, location="http://127.0.0.1:9/"), "redirects are not followed"),
        (Sent(429, b'{"error": {"code": "insufficient_quota", "message": "no"}}'), "no credit"),
    ],
)
def test_what_would_refuse_everything_ends_the_run(serve, sent, cause):
    server = serve(sent)

    with pytest.raises(UserError, match=cause) as caught:
        Asked(f"{server.url}/?code=hidden", key=KEY)

    assert KEY not in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_a_server_that_hangs_is_left(serve):
    server = serve(None, completion(ROWS))
    start = time.monotonic()

    asked = Asked(server.url, timeout_s=0.2)

    assert asked.answers[0].value == ROWS
    assert time.monotonic() - start < 5


def test_a_server_that_always_hangs_is_a_problem(serve):
    assert "within 0.05 s" in Asked(serve(None).url, timeout_s=0.05).answers[0].problem.message


def test_no_server_is_a_problem():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    (answer,) = Asked(f"http://127.0.0.1:{port}").answers

    assert answer.problem.reason == "teacher.failed"
    assert "connection failed" in answer.problem.message


def test_a_reply_without_end_is_cut(serve, monkeypatch):
    monkeypatch.setattr(http_teacher, "REPLY_BYTES", 100)

    assert "larger than" in Asked(serve(completion("x" * 200)).url).answers[0].problem.message


@pytest.mark.parametrize(
    ("sent", "reason", "said"),
    [
        (completion("no idea"), "teacher.not_json", "no idea"),
        (completion(""), "teacher.not_json", "is empty"),
        (completion('{"rows": [', finish="length"), "teacher.cut_off", "--max-tokens"),
        (completion("", refusal="I will not"), "teacher.refused", "I will not"),
        (completion("", finish="content_filter"), "teacher.refused", "refused"),
        (Sent(200, b"<html>"), "teacher.failed", "no chat completion"),
        (Sent(200, b'{"choices": []}'), "teacher.failed", "no chat completion"),
        (Sent(200, b"[" * 100_000), "teacher.failed", "no chat completion"),
        (Sent(200, b'{"choices": [{"message": 3}]}'), "teacher.not_json", "is empty"),
        (Sent(418, b"short and stout"), "teacher.refused", "stout"),
    ],
)
def test_answers_without_rows(serve, sent, reason, said):
    (answer,) = Asked(serve(sent).url).answers

    assert (answer.problem.reason, answer.value) == (reason, None)
    assert said in answer.problem.message


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": -1, "completion_tokens": 2}, {}])
def test_unknown_usage_is_the_most_it_can_be(serve, usage):
    body = {"choices": [{"message": {"content": "{}"}}], "usage": usage}

    (answer,) = Asked(serve(Sent(200, json.dumps(body).encode())).url, max_tokens=50).answers

    assert not answer.usage.known
    assert answer.usage.completion_tokens == 50
    assert answer.usage.prompt_tokens >= len("Be right.Fünf?".encode())


def test_an_endpoint_never_shows_its_key():
    assert KEY not in repr(Endpoint(f"https://a?key={KEY}", "https://a", KEY))
