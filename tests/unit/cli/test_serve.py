import ast
import signal
import socket
import threading
import urllib.error
import urllib.request

import pytest

from tunery import server
from tunery.cli import serve
from tunery.errors import UserError


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def visit_then_stop(port, path, seen, **headers):
    """Asks the server as soon as it listens, then sends Ctrl-C to it."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    for _ in range(600):
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                seen["status"], seen["body"] = response.status, response.read().decode()
            break
        except urllib.error.HTTPError as error:
            seen["status"] = error.code
            break
        except OSError:
            threading.Event().wait(0.05)
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@pytest.fixture
def run_and_visit(run):
    def invoke(*args, path="/v1/models", env=None, **headers):
        port, seen = free_port(), {}
        visitor = threading.Thread(target=visit_then_stop, args=(port, path, seen), kwargs=headers)
        visitor.start()
        try:
            result = run("serve", *args, "--port", port, env=env)
        finally:
            visitor.join()
        return result, seen, port

    return invoke


def test_serves_until_control_c(run_and_visit, workspace):
    result, seen, port = run_and_visit("shop", "--threads", 2)

    assert '"shop"' in seen["body"]
    assert f"Serving base, shop at http://127.0.0.1:{port}/v1; Ctrl-C stops." in result.stdout
    assert 'model="shop"' in result.stdout
    assert 'api_key="none"' in result.stdout
    assert "Loading shop" in result.stderr
    assert result.stderr.endswith("Stopped.\n")
    assert workspace.opened == [(["shop"], 2)]


def test_without_a_name_the_newest_tuned_model_is_served(run_and_visit, workspace):
    result, _, _ = run_and_visit()

    assert "Loading the newest tuned model" in result.stderr
    assert workspace.opened == [([], None)]
    assert 'model="shop"' in result.stdout


def test_the_key_comes_from_the_environment_and_is_not_shown(run_and_visit):
    env = {"TUNERY_API_KEY": "sesame"}

    refused, without, _ = run_and_visit("shop", env=env)
    _, allowed, _ = run_and_visit("shop", env=env, Authorization="Bearer sesame")

    assert (without["status"], allowed["status"]) == (401, 200)
    assert 'os.environ["TUNERY_API_KEY"]' in refused.stdout
    assert "sesame" not in refused.output


def test_another_name_may_be_allowed(run_and_visit):
    _, refused, _ = run_and_visit("shop", Host="box.example")
    _, allowed, _ = run_and_visit("shop", "--allow-host", "box.example", Host="box.example")

    assert (refused["status"], allowed["status"]) == (403, 200)


def test_what_the_server_refuses_is_a_sentence(run):
    result = run("serve", "shop", "--host", "0.0.0.0", expect=2)

    assert "no API key is set" in result.stderr


def test_a_named_variable_without_a_key(run, workspace):
    result = run("serve", "shop", "--api-key-env", "MY_KEY", expect=2)

    assert "MY_KEY is not set" in result.stderr
    assert workspace.opened == []


def test_which_variable_holds_the_key():
    environ = {"TUNERY_API_KEY": "a", "MY_KEY": "b", "EMPTY": ""}

    assert serve.api_key(environ, None) == "a"
    assert serve.api_key(environ, "MY_KEY") == "b"
    assert serve.api_key({"TUNERY_API_KEY": ""}, None) is None
    with pytest.raises(UserError, match="EMPTY is not set"):
        serve.api_key(environ, "EMPTY")


def test_defaults_are_those_of_the_server():
    assert (serve.DEFAULT_HOST, serve.DEFAULT_PORT) == (server.DEFAULT_HOST, server.DEFAULT_PORT)


@pytest.mark.parametrize("variable", [None, "MY_KEY"])
def test_the_snippet_is_a_program(variable):
    text = serve.snippet("http://127.0.0.1:8000", "shop", variable)

    lines = [line.removeprefix("  ") for line in text.splitlines()]
    ast.parse("\n".join(lines))
    assert len(lines) == (6 if variable else 5)
    assert 'base_url="http://127.0.0.1:8000/v1"' in text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://0.0.0.0:8000", "http://127.0.0.1:8000/v1"),
        ("http://[::]:80", "http://[::1]:80/v1"),
        ("http://localhost:1", "http://localhost:1/v1"),
    ],
)
def test_the_snippet_names_an_address_that_can_be_reached(url, shown):
    assert f'"{shown}"' in serve.snippet(url, "shop", None)
