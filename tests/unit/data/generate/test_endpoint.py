import pytest

from tunery.data.generate.endpoint import read_endpoint
from tunery.errors import UserError


def read(url, variable=None, environment=None, **settings):
    return read_endpoint(url, key_variable=variable, environment=environment or {}, **settings)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1/chat/completions"),
        ("http://localhost:8000/v1/", "http://localhost:8000/v1/chat/completions"),
        ("http://[::1]:8/v1", "http://[::1]:8/v1/chat/completions"),
        ("https://a.b/x/chat/completions", "https://a.b/x/chat/completions"),
        ("https://a.b/deploy?api-version=1#x", "https://a.b/deploy/chat/completions?api-version=1"),
    ],
)
def test_addresses(given, url):
    assert read(given).url == url


def test_a_query_is_not_shown():
    assert read("https://a.b/v1?code=secret").shown == "https://a.b/v1/chat/completions"


@pytest.mark.parametrize(
    "bad", ["", "a.b", "ftp://a.b", "http://", "https://a.b:x", "https://[a", "https://a b"]
)
def test_what_is_no_address(bad):
    with pytest.raises(UserError, match="address is none"):
        read(bad)


@pytest.mark.parametrize("host", ["192.168.0.9", "example.org", "127.0.0.1.example.org"])
def test_http_is_for_this_machine(host):
    with pytest.raises(UserError, match="without encryption") as caught:
        read(f"http://{host}/v1")
    assert "--insecure" in caught.value.hint
    assert not read(f"http://{host}/v1", insecure=True).loopback


def test_secrets_do_not_belong_into_addresses():
    with pytest.raises(UserError) as caught:
        read("https://user:hunter2@a.b")
    assert "hunter2" not in str(caught.value)


def test_the_key_is_read_from_the_environment():
    assert read("https://a.b", "KEY", {"KEY": " sk-1\n"}).key == "sk-1"
    with pytest.raises(UserError, match="not set"):
        read("https://a.b", "KEY", {"KEY": " "})
    with pytest.raises(UserError) as caught:
        read("https://a.b", "KEY", {"KEY": "sk-1\nHost: x"})
    assert "sk-1" not in str(caught.value)
