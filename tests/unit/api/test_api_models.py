import pytest

from tunery.testing.scripted_engine import ScriptedEngine


def test_lists_base_and_tuned_models(client):
    assert client.get("/v1/models").json() == {
        "object": "list",
        "data": [
            {"id": "base", "object": "model", "created": 0, "owned_by": "tunery", "parent": None},
            {
                "id": "team/tuned:v2",
                "object": "model",
                "created": 0,
                "owned_by": "tunery",
                "parent": "base",
            },
        ],
    }


@pytest.mark.parametrize("path", ["team/tuned:v2", "team%2Ftuned:v2", "team%2Ftuned%3Av2"])
def test_names_with_slashes_and_colons(client, path):
    assert client.get(f"/v1/models/{path}").json()["id"] == "team/tuned:v2"


def test_unknown_model(client):
    response = client.get("/v1/models/team/other")

    assert response.status_code == 404
    error = response.json()["error"]
    assert error["code"] == "model_not_found"
    assert error["param"] == "model"
    assert "'team/other'" in error["message"]


def test_no_models_at_all(make_client):
    client = make_client(ScriptedEngine({}))

    assert client.get("/v1/models").json()["data"] == []
    assert "the models are: none" in client.get("/v1/models/x").json()["error"]["message"]


def test_long_lists_are_cut_in_messages(make_client):
    client = make_client(ScriptedEngine({f"model-{number}": str for number in range(30)}))

    message = client.get("/v1/models/x").json()["error"]["message"]

    assert "model-19 and 10 more." in message


def test_health(client):
    assert client.get("/health").json() == {"status": "ok"}
