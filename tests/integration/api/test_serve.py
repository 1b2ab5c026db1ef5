"""`serve`: where it listens, what it refuses, how it ends."""

import signal
import socket
import threading
import urllib.error
import urllib.request

import httpx2
import openai
import pytest

from tunery.errors import UserError
from tunery.server import serve


def no_way(url):
    pytest.fail(f"served at {url}")


def stop_after(visit, number=signal.SIGINT):
    """An `on_ready` that visits the server from a thread and then sends it the signal."""
    seen = {}

    def visitor(url):
        try:
            seen["result"] = visit(url)
        finally:
            signal.pthread_kill(threading.main_thread().ident, number)

    def on_ready(url):
        seen["url"] = url
        threading.Thread(target=visitor, args=(url,)).start()

    return on_ready, seen


def fetch(url, **headers):
    request = urllib.request.Request(f"{url}/health", headers=headers)
    with urllib.request.urlopen(request, timeout=20) as response:
        return response.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_a_signal_and_returns(scripted, number):
    before = signal.getsignal(number)
    on_ready, seen = stop_after(fetch, number)

    serve(scripted, "127.0.0.1", 0, on_ready)

    assert seen["result"] == b'{"status":"ok"}'
    assert not seen["url"].endswith(":0")
    assert signal.getsignal(number) is before


def test_running_answers_end_before_the_server_does(stepped):
    answers = []

    def ask(url):
        with openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
            messages = [{"role": "user", "content": "hi"}]
            answers.append(client.chat.completions.create(model="stepped", messages=messages))

    def visit(url):
        asking.append(threading.Thread(target=ask, args=(url,)))
        asking[0].start()
        while not stepped.asked.wait(0.01):
            pass
        threading.Timer(0.3, stepped.step.release).start()

    asking = []
    on_ready, _ = stop_after(visit)
    serve(stepped, port=0, on_ready=on_ready)
    asking[0].join(20)

    assert answers[0].choices[0].message.content == "done"


@pytest.mark.parametrize("stream", [False, True])
def test_answers_that_outlast_the_grace_are_cut_off(stepped, stream, caplog):
    failures = []

    def ask(url):
        with openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
            messages = [{"role": "user", "content": "hi"}]
            try:
                list(
                    client.chat.completions.create(
                        model="stepped", messages=messages, stream=stream
                    )
                )
            except (openai.APIError, httpx2.HTTPError) as error:
                failures.append(error)

    def visit(url):
        if stream:
            stepped.step.release()
        asking.append(threading.Thread(target=ask, args=(url,)))
        asking[0].start()
        assert stepped.asked.wait(20)
        # Lets the engine's call end after the grace, so that the test's process can.
        threading.Timer(1.5, stepped.step.release).start()

    asking = []
    on_ready, _ = stop_after(visit)
    serve(stepped, port=0, on_ready=on_ready, grace_s=1)
    asking[0].join(20)

    (failure,) = failures
    if not stream:
        assert isinstance(failure, openai.InternalServerError)
        assert failure.status_code == 503
        assert "The server stops" in failure.message
    assert "was cut off" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.timeout(20)
def test_a_signal_before_the_first_request_is_not_lost(scripted):
    serve(scripted, port=0, on_ready=lambda url: signal.raise_signal(signal.SIGINT))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_loopback_names(scripted, host):
    on_ready, seen = stop_after(fetch)

    serve(scripted, host, 0, on_ready)

    assert seen["url"].startswith(f"http://{host}:")
    assert seen["result"]


def test_ipv6_loopback(scripted):
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    on_ready, seen = stop_after(fetch)

    serve(scripted, "::1", 0, on_ready)

    assert seen["url"].startswith("http://[::1]:")
    assert seen["result"]


def test_foreign_hosts_are_refused_on_loopback_unless_allowed(scripted):
    def visit(url):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            fetch(url, host="evil.example")
        return fetch(url, host="box.example")

    on_ready, seen = stop_after(visit)
    serve(scripted, "127.0.0.1", 0, on_ready, allowed_hosts=["box.example"])

    assert seen["result"]


def test_other_machines_need_a_key(scripted):
    with pytest.raises(UserError, match="no API key is set") as caught:
        serve(scripted, "0.0.0.0", 0, no_way)

    assert caught.value.hint == "Set an API key, or listen on 127.0.0.1."


def test_other_machines_may_come_with_a_key(scripted):
    def visit(url):
        port = url.rpartition(":")[2]
        return fetch(f"http://127.0.0.1:{port}", host="any.example")

    on_ready, seen = stop_after(visit)
    serve(scripted, "0.0.0.0", 0, on_ready, api_key="key")

    assert seen["result"]


def test_port_in_use(scripted):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"Port {port} of 127.0.0.1 is in use") as caught:
            serve(scripted, "127.0.0.1", port, no_way)

    assert "choose another port" in caught.value.hint


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [
        ("127.0.0.1", 70000, "The port is 70000, but must be between 0 and 65535"),
        ("127.0.0.1", -1, "The port is -1"),
        ("no-such-host.invalid", 0, "'no-such-host.invalid' is no address or known name"),
        ("", 0, "'' is no address or known name"),
        ("a" * 300, 0, "is no address or known name"),
    ],
)
def test_places_that_do_not_exist(scripted, host, port, message):
    with pytest.raises(UserError, match=message):
        serve(scripted, host, port, no_way)


def test_address_of_another_machine(scripted):
    with pytest.raises(UserError, match=r"192\.0\.2\.1 is not an address of this machine"):
        serve(scripted, "192.0.2.1", 0, no_way, api_key="key")


@pytest.mark.parametrize("key", ["", "a\nb", " key", "schlüssel"])
def test_keys_that_no_header_can_carry(scripted, key):
    with pytest.raises(UserError, match="The API key is empty or holds"):
        serve(scripted, "127.0.0.1", 0, no_way, api_key=key)
