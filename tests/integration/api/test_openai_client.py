"""The official client, unchanged, against a real server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

HI = [{"role": "user", "content": "hi there"}]


@pytest.fixture
def url(serve_app, scripted):
    return serve_app(scripted, max_body_bytes=100_000)


@pytest.fixture
def client(url, make_client):
    return make_client(url)


def test_lists_and_retrieves_models(client):
    assert [model.id for model in client.models.list()] == ["base", "team/tuned:v2"]
    assert client.models.retrieve("team/tuned:v2").owned_by == "tunery"


def test_completes(client):
    completion = client.chat.completions.create(model="base", messages=HI, max_tokens=3)

    assert completion.choices[0].message.content == "You said: hi"
    assert completion.choices[0].message.role == "assistant"
    assert completion.choices[0].finish_reason == "length"
    assert completion.usage.total_tokens == 5
    assert completion._request_id.startswith("req_")


def test_streams(client):
    stream = client.chat.completions.create(
        model="team/tuned:v2", messages=HI, stream=True, stream_options={"include_usage": True}
    )

    *chunks, last = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "grüezi 🦊"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert last.choices == []
    assert last.usage.completion_tokens == 2


def test_stream_helper_reads_the_whole_answer(client):
    with client.chat.completions.stream(model="base", messages=HI) as stream:
        for _ in stream:
            pass
        completion = stream.get_final_completion()

    assert completion.choices[0].message.content == "You said: hi there"


def test_async_client_completes_and_streams(url):
    async def main():
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
            whole = await client.chat.completions.create(model="base", messages=HI)
            stream = await client.chat.completions.create(model="base", messages=HI, stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
            return whole.choices[0].message.content, "".join(pieces)

    assert asyncio.run(main()) == ("You said: hi there", "You said: hi there")


def test_several_answers(client):
    completion = client.chat.completions.create(model="base", messages=HI, n=4)

    assert [choice.index for choice in completion.choices] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "text", ["", "naïve ☃ 🦊 日本語", "\u2028 \u0085 \x00 \r\n data: [DONE]\n\n"]
)
def test_any_text_comes_back_unchanged(client, text):
    messages = [{"role": "user", "content": text}]

    whole = client.chat.completions.create(model="base", messages=messages)
    stream = client.chat.completions.create(model="base", messages=messages, stream=True)

    assert whole.choices[0].message.content == f"You said: {text}"
    pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert "".join(pieces) == f"You said: {text}"


def test_a_conversation_continues_with_what_came_back(client):
    answer = client.chat.completions.create(model="base", messages=HI).choices[0].message

    again = client.chat.completions.create(
        model="base", messages=[*HI, answer, {"role": "user", "content": "more"}]
    )

    assert again.choices[0].message.content == "You said: more"


def test_eight_at_once_do_not_mix(client):
    def ask(number):
        messages = [{"role": "user", "content": f"number {number}"}]
        if number % 2:
            stream = client.chat.completions.create(model="base", messages=messages, stream=True)
            return "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        return (
            client.chat.completions.create(model="base", messages=messages)
            .choices[0]
            .message.content
        )

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(32)))

    assert answers == [f"You said: number {number}" for number in range(32)]


@pytest.mark.parametrize("stream", [False, True])
def test_unknown_model(client, stream):
    with pytest.raises(openai.NotFoundError, match="There is no model 'nope'") as caught:
        client.chat.completions.create(model="nope", messages=HI, stream=stream)

    assert caught.value.code == "model_not_found"
    assert caught.value.param == "model"
    assert caught.value.type == "invalid_request_error"
    assert caught.value.request_id.startswith("req_")


def test_unknown_model_to_retrieve(client):
    with pytest.raises(openai.NotFoundError, match="There is no model 'a/b:c'"):
        client.models.retrieve("a/b:c")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": 3}, "temperature"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
    ],
)
def test_bad_requests(client, fields, param):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**{"model": "base", "messages": HI} | fields)

    assert caught.value.param == param


def test_wrong_key(serve_app, scripted, make_client):
    url = serve_app(scripted, api_key="right")

    assert make_client(url, "right").models.list().data
    with pytest.raises(openai.AuthenticationError, match="not the right one"):
        make_client(url, "wrong").models.list()


def test_azures_header(serve_app, scripted, make_client):
    url = serve_app(scripted, api_key="right")

    client = make_client(url, "wrong", default_headers={"api-key": "right"})

    assert client.models.list().data


def test_huge_body(client):
    messages = [{"role": "user", "content": "x" * 5_000_000}]

    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="base", messages=messages)

    assert caught.value.status_code == 413
    assert caught.value.code == "request_too_large"
    assert client.models.list().data  # and the server lives


def test_unknown_route_and_method(client):
    with pytest.raises(openai.NotFoundError, match="There is no POST /v1/embeddings here"):
        client.embeddings.create(model="base", input="x")
    with pytest.raises(openai.APIStatusError, match="method must be") as caught:
        client.models.delete("base")
    assert caught.value.status_code == 405


def test_foreign_host(url, make_client):
    client = make_client(url, default_headers={"host": "rebound.example"})

    with pytest.raises(openai.PermissionDeniedError, match=r"rebound\.example"):
        client.models.list()
