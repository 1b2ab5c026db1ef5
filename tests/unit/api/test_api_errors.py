import pickle

import pytest

from tunery.api.errors import ApiError
from tunery.errors import MismatchError, NotFoundError, RunError

JSON = {"content-type": "application/json"}
CHAT = "/v1/chat/completions"
BODY = {"model": "base", "messages": [{"role": "user", "content": "hi"}]}


def error_of(response, status):
    assert response.status_code == status, response.text
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    return response.json()["error"]


def test_unknown_route(client):
    error = error_of(client.get("/v1/nothing"), 404)

    assert error["code"] == "unknown_url"
    assert error["message"].startswith("There is no GET /v1/nothing here.")


def test_paths_are_not_guessed(client):
    error_of(client.post(f"{CHAT}/", json=BODY), 404)


def test_wrong_method(client):
    response = client.get(CHAT)

    error = error_of(response, 405)
    assert error["code"] == "method_not_allowed"
    assert error["message"] == f"GET {CHAT} is not possible; the method must be POST."
    assert response.headers["allow"] == "POST"


def test_invalid_json(client):
    error = error_of(client.post(CHAT, content='{"model": ', headers=JSON), 400)

    assert (
        error["message"] == "The request body is not valid JSON: Expecting value at character 10."
    )
    assert error["type"] == "invalid_request_error"
    assert error["param"] is None


@pytest.mark.parametrize(
    "raw",
    [b"\xff\xfe\x00", b"[" * 200_000, b'{"seed": ' + b"1" * 5000 + b"}"],
    ids=["not utf-8", "deep", "long number"],
)
def test_unreadable_json(client, raw):
    error = error_of(client.post(CHAT, content=raw, headers=JSON), 400)

    assert error["type"] == "invalid_request_error"


def test_empty_body(client):
    error = error_of(client.post(CHAT, content="", headers=JSON), 400)

    assert error["message"] == "The request body: field required."
    assert error["param"] is None


@pytest.mark.parametrize("raw", ["[1]", "null", "3", '"text"'])
def test_body_that_is_no_object(client, raw):
    error = error_of(client.post(CHAT, content=raw, headers=JSON), 400)

    assert error["message"].startswith("The request body: ")


def test_declared_body_too_large(engine, make_client):
    response = make_client(engine, max_body_bytes=1000).post(CHAT, json=BODY | {"user": "x" * 1000})

    error = error_of(response, 413)
    assert error["code"] == "request_too_large"
    assert "1000 bytes" in error["message"]
    assert engine.calls == []


def test_undeclared_body_too_large(engine, make_client):
    pieces = (b" " * 400 for _ in range(5))

    response = make_client(engine, max_body_bytes=1000).post(CHAT, content=pieces, headers=JSON)

    assert error_of(response, 413)["code"] == "request_too_large"


def test_largest_body_passes(engine, make_client):
    raw = b'{"model": "base", "messages": [{"role": "user", "content": "hi"}]}'

    response = make_client(engine, max_body_bytes=len(raw)).post(CHAT, content=raw, headers=JSON)

    assert response.status_code == 200


class RaisingEngine:
    def __init__(self, scripted, error):
        self.models = scripted.models
        self._error = error

    def generate(self, model, prompts, sampling):
        raise self._error


@pytest.fixture
def ask_failing(engine, make_client):
    def ask(error):
        return make_client(RaisingEngine(engine.scripted, error)).post(CHAT, json=BODY)

    return ask


def test_unexpected_errors_go_to_the_log_only(ask_failing, caplog):
    response = ask_failing(KeyError("/home/secret/path"))

    error = error_of(response, 500)
    assert error["type"] == "server_error"
    request_id = response.headers["x-request-id"]
    assert error["message"] == f"The server failed. Its log says more under {request_id}."
    assert "secret" not in response.text
    record = next(record for record in caplog.records if request_id in record.message)
    assert record.exc_info[0] is KeyError


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (RunError("The weights are broken.", "Fetch them again."), 500, None),
        (MismatchError("The adapter is for another base.", "Use its base."), 400, None),
        (NotFoundError("The model went away.", "Load it."), 404, "not_found"),
    ],
)
def test_errors_on_purpose_keep_their_text(ask_failing, raised, status, code):
    error = error_of(ask_failing(raised), status)

    assert error["message"] == str(raised)
    assert error["code"] == code


def test_every_answer_has_its_own_request_id(client):
    ids = [client.get(path).headers["x-request-id"] for path in ("/health", "/nothing", "/health")]

    assert len(set(ids)) == 3
    assert all(request_id.startswith("req_") for request_id in ids)


def test_api_errors_survive_pickling():
    error = ApiError("Given.", "Do.", status=404, param="model", code="model_not_found")

    copy = pickle.loads(pickle.dumps(error))

    assert copy.body() == error.body()
    assert copy.status == 404
