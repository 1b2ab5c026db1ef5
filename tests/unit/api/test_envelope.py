import asyncio

import pytest

from tunery.api.envelope import EnvelopeMiddleware


def test_half_an_answer_is_left_to_the_server_to_end():
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    async def send(message):
        sent.append(message)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(EnvelopeMiddleware(app)({"type": "http"}, None, send))

    assert [message["type"] for message in sent] == ["http.response.start"]


def test_other_protocols_pass_untouched():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)

    asyncio.run(EnvelopeMiddleware(app)({"type": "lifespan"}, None, None))

    assert seen == [{"type": "lifespan"}]
