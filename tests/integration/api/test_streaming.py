"""What a stream does to the engine and to other requests while it is open."""

import asyncio
import time

import openai
import pytest

from tunery.serve.engine import Delta

HI = [{"role": "user", "content": "hi"}]
WAIT_S = 20


def wait_until(condition):
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def release_until_closed(stepped):
    """Lets the engine go on, piece by piece, until it is stopped."""

    def closed():
        stepped.step.release()
        return stepped.closed.wait(0.02)

    wait_until(closed)


def test_pieces_arrive_while_the_answer_is_written(serve_app, stepped, make_client):
    client = make_client(serve_app(stepped))

    stepped.step.release()
    with client.chat.completions.create(model="stepped", messages=HI, stream=True) as stream:
        pieces = (chunk.choices[0].delta.content for chunk in stream)
        assert [next(pieces), next(pieces)] == ["", "0 "]
        stepped.step.release()
        assert next(pieces) == "1 "
        assert stepped.pieces_sent == 2
    stepped.step.release()


def test_a_client_that_leaves_stops_the_engine(serve_app, stepped, make_client):
    client = make_client(serve_app(stepped))

    stepped.step.release()
    stream = client.chat.completions.create(model="stepped", messages=HI, stream=True)
    next(iter(stream))
    stream.response.close()

    release_until_closed(stepped)
    # Its leaving may be noticed only after some more pieces, but long before all thousand.
    assert stepped.pieces_sent < 500
    assert len(stepped.threads) == 1


def test_a_client_that_leaves_before_the_first_piece_stops_the_engine(serve_app, stepped):
    url = serve_app(stepped)

    async def leave():
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
            with pytest.raises(openai.APITimeoutError):
                await client.chat.completions.create(
                    model="stepped", messages=HI, stream=True, timeout=0.3
                )

    asyncio.run(leave())

    release_until_closed(stepped)
    assert stepped.pieces_sent < 500


@pytest.mark.parametrize("stream", [False, True])
def test_waiting_for_the_engine_holds_up_nobody(serve_app, stepped, make_client, stream):
    url = serve_app(stepped)
    client = make_client(url, timeout=0.3)
    with pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model="stepped", messages=HI, stream=stream)

    assert make_client(url).models.list().data[0].id == "stepped"
    if stream:
        release_until_closed(stepped)
    else:
        stepped.step.release(2)


def test_requests_beyond_the_limit_wait_for_their_turn(serve_app, stepped, make_client):
    url = serve_app(stepped, max_parallel=1)
    with pytest.raises(openai.APITimeoutError):
        make_client(url, timeout=0.3).chat.completions.create(model="stepped", messages=HI)
    with pytest.raises(openai.APITimeoutError):
        make_client(url, timeout=0.3).chat.completions.create(model="stepped", messages=HI)

    stepped.step.release(3)
    answer = make_client(url).chat.completions.create(model="stepped", messages=HI)

    assert answer.choices[0].message.content == "done"


def test_failure_in_mid_stream_raises_in_the_client(serve_app, stepped, make_client, caplog):
    def broken(model, prompt, sampling):
        yield Delta("half")
        raise ZeroDivisionError("secret")

    stepped.stream = broken
    client = make_client(serve_app(stepped))

    stream = client.chat.completions.create(model="stepped", messages=HI, stream=True)
    with pytest.raises(openai.APIError, match="The server failed") as caught:
        list(stream)

    assert "secret" not in str(caught.value)
