"""Who may call the server: API key, Host, and web pages of other sites."""

import json

import pytest
from starlette.websockets import WebSocketDisconnect

CHAT = "/v1/chat/completions"
BODY = {"model": "base", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def locked(engine, make_client):
    return make_client(engine, api_key="s3cret")


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer s3cret"},
        {"authorization": "bearer  s3cret"},
        {"api-key": "s3cret"},
    ],
)
def test_the_right_key_passes(locked, headers):
    assert locked.get("/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "brings no API key"),
        ({"authorization": "Bearer "}, "brings no API key"),
        ({"authorization": "Basic s3cret"}, "brings no API key"),
        ({"authorization": "Bearer s3cre"}, "not the right one"),
        ({"authorization": "Bearer s3cret2"}, "not the right one"),
        ({"api-key": ""}, "not the right one"),
        ({"api-key": "wrong", "authorization": "Bearer s3cret"}, "not the right one"),
        ({"api-key": b"s3cr\xe9t"}, "not the right one"),
    ],
)
def test_other_keys_do_not(locked, engine, headers, expected):
    for response in (
        locked.get("/v1/models", headers=headers),
        locked.post(CHAT, json=BODY, headers=headers),
        locked.get("/openapi.json", headers=headers),
        locked.get("/nothing", headers=headers),
    ):
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        error = response.json()["error"]
        assert expected in error["message"]
        assert error["code"] == "invalid_api_key"
        assert "s3cr" not in response.text
    assert engine.calls == []


def test_health_needs_no_key(locked):
    assert locked.get("/health").status_code == 200


def test_without_a_key_any_is_taken(client):
    assert client.get("/v1/models", headers={"authorization": "Bearer x"}).status_code == 200


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8000", "localhost:1", "LOCALHOST", "[::1]:8000", "[::1]"]
)
def test_loopback_names_pass(client, host):
    assert client.get("/v1/models", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost@evil.example", "["],
)
def test_other_hosts_are_refused(client, host):
    response = client.get("/v1/models", headers={"host": host})

    assert response.status_code == 403
    error = response.json()["error"]
    assert error["code"] == "host_not_allowed"
    assert repr(host) in error["message"]
    assert "127.0.0.1, ::1, localhost" in error["message"]


def test_other_hosts_can_be_allowed(engine, make_client):
    client = make_client(engine, allowed_hosts={"Box.Example"})

    assert client.get("/health", headers={"host": "box.example:80"}).status_code == 200
    assert client.get("/health", headers={"host": "127.0.0.1"}).status_code == 403


def test_all_hosts_can_be_allowed(engine, make_client):
    client = make_client(engine, allowed_hosts=None)

    assert client.get("/health", headers={"host": "anything.example"}).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/plain", "is 'text/plain'"),
        ("text/plain; application/json", "is 'text/plain; application/json'"),
        ("application/x-www-form-urlencoded", "form"),
        (None, "is missing"),
    ],
)
def test_a_form_cannot_post(client, engine, content_type, expected):
    headers = {} if content_type is None else {"content-type": content_type}

    response = client.post(CHAT, content=json.dumps(BODY), headers=headers)

    assert response.status_code == 415
    assert response.json()["error"]["code"] == "unsupported_media_type"
    assert expected in response.json()["error"]["message"]
    assert engine.calls == []


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_posts(client, content_type):
    headers = {"content-type": content_type}

    assert client.post(CHAT, content=json.dumps(BODY), headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("site", "status"),
    [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)],
)
def test_browsers_say_where_a_request_comes_from(client, site, status):
    response = client.post(CHAT, json=BODY, headers={"sec-fetch-site": site})

    assert response.status_code == status


def test_other_origins_get_no_leave_to_read_or_write(client):
    origin = {"origin": "https://evil.example"}
    preflight = client.options(
        CHAT,
        headers=origin
        | {
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type",
        },
    )

    assert preflight.status_code == 405
    for response in (preflight, client.get("/v1/models", headers=origin)):
        assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/oauth2-redirect"])
def test_no_page_loads_scripts_from_elsewhere(client, path):
    assert client.get(path).status_code == 404


def test_the_schema_describes_the_routes(client):
    schema = client.get("/openapi.json").json()

    assert set(schema["paths"]) == {
        "/health",
        "/v1/models",
        "/v1/models/{model_id}",
        "/v1/chat/completions",
    }
    fields = schema["components"]["schemas"]["ChatRequest"]["properties"]
    assert "as OpenAI's" in fields["temperature"]["description"]


def test_there_are_no_websockets(client):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/v1/models"):
        pass
