import json
import time

import pytest

from tunery.api.chat.protocol import ChatRequest, RequestMessage
from tunery.api.chat.service import stream_chunks
from tunery.data.conversation import Message
from tunery.serve.engine import Delta, Sampling


def events(response):
    """The payloads of an event stream, `[DONE]` included as it is."""
    payloads = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    return [p if p == "[DONE]" else json.loads(p) for p in payloads]


def test_answers_in_openais_shape(ask):
    response = ask()

    assert response.status_code == 200
    body = response.json()
    assert body["id"].startswith("chatcmpl-")
    assert abs(body["created"] - time.time()) < 60
    assert body["system_fingerprint"].startswith("fp_")
    del body["id"], body["created"], body["system_fingerprint"]
    assert body == {
        "object": "chat.completion",
        "model": "base",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "You said: hi", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4},
    }


def test_ids_differ_and_fingerprints_name_the_model(ask):
    first, second, other = ask().json(), ask().json(), ask(model="team/tuned:v2").json()

    assert first["id"] != second["id"]
    assert first["system_fingerprint"] == second["system_fingerprint"]
    assert first["system_fingerprint"] != other["system_fingerprint"]


def test_defaults_are_openais(ask, engine):
    ask()

    assert engine.calls == [("base", [[Message("user", "hi")]], Sampling(temperature=1.0))]


def test_null_means_the_default(ask, engine):
    names = ["max_tokens", "temperature", "top_p", "stop", "seed", "n", "stream", "tools"]

    response = ask(**dict.fromkeys(names), stream_options=None)

    assert response.status_code == 200
    assert engine.calls[0][2] == Sampling(temperature=1.0)


def test_sampling_reaches_the_engine(ask, engine):
    ask(max_tokens=5, temperature=0, top_p=0.5, stop=["x", "\n\n"], seed=7)

    assert engine.calls[0][2] == Sampling(
        max_tokens=5, temperature=0.0, top_p=0.5, stop=("x", "\n\n"), seed=7
    )


@pytest.mark.parametrize(
    "limits",
    [{"max_completion_tokens": 2}, {"max_tokens": 2, "max_completion_tokens": 2}],
)
def test_length_limit_is_reported(ask, limits):
    choice = ask(**limits).json()["choices"][0]

    assert choice["message"]["content"] == "You said:"
    assert choice["finish_reason"] == "length"


def test_one_stop_text_needs_no_list(ask):
    assert ask(stop=" said").json()["choices"][0]["message"]["content"] == "You"


def test_all_text_roles_reach_the_engine(ask, engine):
    turns = [("system", "a"), ("developer", "b"), ("user", "c"), ("assistant", ""), ("user", "d")]

    response = ask(messages=[{"role": role, "content": content} for role, content in turns])

    assert response.status_code == 200
    assert engine.calls[0][1] == [[Message(role, content) for role, content in turns]]


def test_text_parts_are_put_together(ask, engine):
    parts = [{"type": "text", "text": "a "}, {"type": "text", "text": "b"}]

    ask(messages=[{"role": "user", "content": parts}])

    assert engine.calls[0][1] == [[Message("user", "a b")]]


def test_an_answer_of_ours_can_be_sent_back(ask):
    message = ask().json()["choices"][0]["message"]

    response = ask(messages=[{"role": "user", "content": "hi"}, message])

    assert response.status_code == 200


def test_several_answers_are_one_engine_call(ask, engine):
    body = ask(n=3, temperature=0.7).json()

    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    assert [len(prompts) for _, prompts, _ in engine.calls] == [3]
    assert body["usage"] == {"prompt_tokens": 1, "completion_tokens": 9, "total_tokens": 10}


def test_several_answers_without_chance_are_computed_once(ask, engine):
    body = ask(n=3, temperature=0).json()

    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    assert {choice["message"]["content"] for choice in body["choices"]} == {"You said: hi"}
    assert [len(prompts) for _, prompts, _ in engine.calls] == [1]


def test_stream_has_role_then_text_then_reason_then_done(ask):
    response = ask(stream=True)

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    *chunks, done = events(response)
    assert done == "[DONE]"
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert all("usage" not in chunk for chunk in chunks)
    choices = [chunk["choices"][0] for chunk in chunks]
    assert choices[0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(c["delta"]["content"] for c in choices[1:-1]) == "You said: hi"
    assert choices[-1]["delta"] == {}
    assert [c["finish_reason"] for c in choices] == [None] * (len(choices) - 1) + ["stop"]


def test_stream_ends_with_usage_if_asked(ask):
    *chunks, last, done = events(ask(stream=True, stream_options={"include_usage": True}))

    assert done == "[DONE]"
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}
    assert all(chunk["usage"] is None for chunk in chunks)


def test_stream_reports_the_length_limit(ask):
    *_, last, _ = events(ask(stream=True, max_tokens=1))

    assert last["choices"][0]["finish_reason"] == "length"


def test_events_are_ascii_so_that_no_client_splits_them(ask):
    text = "naïve 🦊 \u2028 \u0085 \x00 end"

    response = ask(messages=[{"role": "user", "content": text}], stream=True)

    assert response.content.isascii()
    *chunks, _ = events(response)
    pieces = [c["choices"][0]["delta"].get("content", "") for c in chunks]
    assert "".join(pieces) == f"You said: {text}"


def test_streaming_an_unknown_model_is_a_404(ask):
    assert ask(model="nope", stream=True).status_code == 404


def test_streaming_a_prompt_that_is_too_long_is_a_400(ask):
    response = ask(messages=[{"role": "user", "content": "a " * 1001}], stream=True)

    assert response.status_code == 400
    assert "1001 tokens" in response.json()["error"]["message"]


class PiecesEngine:
    """Streams the pieces that `pieces` returns."""

    def __init__(self, scripted, pieces):
        self.models = scripted.models
        self._pieces = pieces

    def stream(self, model, prompt, sampling):
        return self._pieces()


def fail_midway(error):
    yield Delta("half")
    raise error


def test_failure_in_mid_stream_is_a_last_event(engine, make_client, caplog):
    failing = PiecesEngine(engine.scripted, lambda: fail_midway(ZeroDivisionError("secret")))
    body = {"model": "base", "messages": [{"role": "user", "content": "hi"}], "stream": True}

    response = make_client(failing).post("/v1/chat/completions", json=body)

    assert response.status_code == 200
    *chunks, last = events(response)
    assert chunks[-1]["choices"][0]["delta"] == {"content": "half"}
    assert last["error"]["type"] == "server_error"
    assert response.headers["x-request-id"] in last["error"]["message"]
    assert "secret" not in response.text
    assert "secret" in caplog.text


def test_stream_without_an_end_is_an_error(engine, make_client, caplog):
    endless = PiecesEngine(engine.scripted, lambda: iter([Delta("half")]))
    body = {"model": "base", "messages": [{"role": "user", "content": "hi"}], "stream": True}

    *_, last = events(make_client(endless).post("/v1/chat/completions", json=body))

    assert "without its last piece" in last["error"]["message"]


def test_closing_the_chunks_closes_the_engines_generator(engine):
    closed = []

    def pieces():
        try:
            while True:
                yield Delta("x")
        finally:
            closed.append(True)

    kept = pieces()  # held here, so that it is not closed merely by being forgotten
    request = ChatRequest(model="base", messages=[RequestMessage(role="user", content="hi")])
    chunks = stream_chunks(PiecesEngine(engine.scripted, lambda: kept), request)
    next(chunks)

    chunks.close()

    assert closed == [True]
