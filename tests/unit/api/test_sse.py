import asyncio

from tunery.api.sse import EventStream

SCOPE = {"type": "http", "asgi": {"spec_version": "2.3"}}


def test_a_client_that_leaves_while_it_is_being_sent_to_closes_the_source():
    closed = []

    async def source():
        try:
            while True:
                yield {"text": "x"}
        finally:
            closed.append(True)

    async def main():
        gone, sent = asyncio.Event(), []

        async def send(message):
            sent.append(message)
            if len(sent) == 4:
                gone.set()
                await asyncio.Event().wait()  # its buffers are full

        async def receive():
            await gone.wait()
            return {"type": "http.disconnect"}

        rest = source()
        response = EventStream({"text": "first"}, rest, "req_1")
        await response(SCOPE, receive, send)
        assert closed == [True]
        return sent

    start, *bodies = asyncio.run(main())
    assert (b"content-type", b"text/event-stream; charset=utf-8") in start["headers"]
    assert [body["body"] for body in bodies] == [
        b'data: {"text":"first"}\n\n',
        b'data: {"text":"x"}\n\n',
        b'data: {"text":"x"}\n\n',
    ]


def test_a_client_that_left_before_the_first_event_closes_the_source():
    closed = []

    async def source():
        try:
            yield {"text": "first"}
            yield {"text": "never"}
        finally:
            closed.append(True)

    async def main():
        async def send(message):
            await asyncio.Event().wait()

        async def receive():
            return {"type": "http.disconnect"}

        rest = source()
        response = EventStream(await anext(rest), rest, "req_1")
        await response(SCOPE, receive, send)
        return list(closed)

    assert asyncio.run(main()) == [True]
