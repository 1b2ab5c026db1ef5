import json

import pytest

from tunery.testing.chat_server import Sent, completion, refusal, served
from tunery.testing.scripted_teacher import three_facts


@pytest.fixture
def teacher():
    with served(lambda body, number: completion(three_facts(body["messages"], number))) as server:
        yield server


@pytest.fixture
def words(tmp_path, teacher):
    (tmp_path / "shop.md").write_text("Fact 1 is that the shop opens at nine.\n")
    words = ["data", "generate", tmp_path / "shop.md", "--task", "qa", "--teacher", teacher.url]
    return [*words, "--teacher-model", "m", "--rows", 3, "--out", tmp_path / "train.jsonl"]


def test_rows_and_cost_so_far(run, words, tmp_path):
    prices = ["--price-input", 1, "--price-output", 10]

    result = run(*words, *prices, "--near", 0)

    assert "3 rows asked = 3 kept + 0 listed" in result.stdout
    assert "1 requests, 110 tokens, cost so far 0.0002" in result.stdout
    assert "3/3 rows, 1 requests" in result.stderr
    assert f"Rows: {tmp_path / 'train.jsonl'}" in result.stdout
    assert len((tmp_path / "train.jsonl").read_text().splitlines()) == 3


def test_fewer_rows_end_with_1_and_say_why(run, words):
    words[words.index("--rows") + 1] = 5

    result = run(*words, "--max-requests", 1, "--support", 1, "--near", 1, expect=1)

    assert "3 of 5 rows, as the limit of requests is reached; --resume goes on." in result.stderr
    again = run(*words, "--resume", "--near", 0.1, expect=1)
    assert "row.near_duplicate" in again.stdout
    assert "train.rejected.jsonl" in again.stdout
    assert "request after request gave no row" in again.stderr


def test_json(run_json, words):
    found = run_json(*words, "--near", 0)

    assert (found["ended"], found["kept"], found["asked"], found["cost"]) == ("rows", 3, 3, None)
    assert found["prompt_tokens"] == 100


def test_key_and_system_prompt_travel(run, words, teacher, tmp_path):
    more = ["--api-key-env", "MY_KEY", "--system", "Be kind.", "--temperature", 0.2]
    result = run(*words, *more, "--near", 0, env={"MY_KEY": "sk-secret"})

    assert teacher.headers[0]["authorization"] == "Bearer sk-secret"
    assert teacher.bodies[0]["temperature"] == 0.2
    assert "sk-secret" not in result.output
    row = json.loads((tmp_path / "train.jsonl").read_text().splitlines()[0])
    assert row["messages"][0] == {"role": "system", "content": "Be kind."}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--task", "classify"], "needs --labels"),
        (["--task", "tool-calls"], "needs --tools"),
        (["--labels", "a,b"], "has no use for --labels"),
        (["--task", "classify", "--labels", "a,"], "two different ones"),
        (["--price-input", "1"], "One price was given"),
        (["--max-cost", "1"], "what tokens cost"),
        (["--api-key-env", "NOT_SET"], "not set"),
        (["--teacher", "http://example.org"], "without encryption"),
        (["--tools", "gone.json", "--task", "tool-calls"], "gone.json"),
    ],
)
def test_mistakes_end_with_2(run, words, more, said):
    assert said in run(*words, *more, expect=2, env={"NOT_SET": None}).stderr


def test_classification_and_tools(run, words, tmp_path):
    labels = ["--task", "classify", "--labels", "a, b", "--max-requests", 1]
    assert "row.shape" in run(*words, *labels, expect=1).stdout
    (tmp_path / "tools.json").write_text('[{"name": "stop"}]')
    words[words.index("--out") + 1] = tmp_path / "calls.jsonl"
    tools = ["--task", "tool-calls", "--tools", tmp_path / "tools.json", "--max-requests", 1]
    assert "row.shape" in run(*words, *tools, expect=1).stdout


def test_a_wrong_key_is_a_sentence(run, words):
    with served(lambda *_: refusal(401)) as server:
        words[words.index("--teacher") + 1] = server.url
        result = run(*words, expect=2)

    assert "key is wrong or missing" in result.stderr


def test_a_server_without_usage_is_told(run, words):
    sent = Sent(200, json.dumps({"choices": [{"message": {"content": "[]"}}]}).encode())
    with served(lambda *_: sent) as server:
        words[words.index("--teacher") + 1] = server.url
        result = run(*words, "--max-requests", 1, expect=1)
    assert "1 requests told no tokens" in result.stderr


def test_distil(run, run_json, tmp_path):
    turns = [{"role": "user", "content": "2+2?"}]
    choice = {"message": {"role": "assistant", "content": "4"}, "finish_reason": "stop"}
    row = {"model": "big", "messages": turns, "choices": [choice], "metadata": {"app": "x"}}
    log = tmp_path / "log.jsonl"
    log.write_text(f"{json.dumps(row)}\n{json.dumps(row)}\n")
    out = tmp_path / "train.jsonl"

    result = run("data", "distil", log, "--out", out, "--metadata", "app=x", "--model", "big")

    assert "2 answers read = 1 kept + 1 listed" in result.stdout
    assert "row.duplicate" in result.stdout
    found = run_json(
        "data", "distil", log, "--out", tmp_path / "b.jsonl", "--finish-reason", "length", expect=1
    )
    assert (found["read"], found["kept"], found["rejected"]) == (2, 0, {"log.left_aside": 2})
    assert (
        "KEY=VALUE"
        in run("data", "distil", log, "--out", out, "--metadata", "app", expect=2).stderr
    )
