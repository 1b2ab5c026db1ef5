"""`tunery data generate` with a tiny random model behind Tunery's own API as the teacher."""

import json
from pathlib import Path

from typer.testing import CliRunner

from tunery.cli.main import app
from tunery.serve.engines.opening import open_torch_engine
from tunery.testing.tiny_models import save_tiny_model


def test_our_own_server_can_be_the_teacher(serve_app, tmp_path):
    folder = save_tiny_model(tmp_path / "model", max_position_embeddings=4096)
    url = serve_app(open_torch_engine("tiny", folder, [], threads=1))
    (tmp_path / "shop.txt").write_text("The shop opens at nine.")
    out = tmp_path / "train.jsonl"

    words = ["data", "generate", tmp_path / "shop.txt", "--task", "qa", "--out", out]
    words += ["--teacher", url, "--teacher-model", "tiny", "--rows", 4, "--max-tokens", 8]
    words += ["--max-requests", 3, "--json"]
    result = CliRunner().invoke(app, [str(word) for word in words])

    assert result.exit_code == 1, result.output
    found = json.loads(result.stdout)
    rejected = [json.loads(line) for line in Path(found["rejected_file"]).read_text().splitlines()]
    assert out.read_text() == ""
    assert (found["ended"], found["requests"], found["kept"]) == ("max_requests", 3, 0)
    assert found["asked"] == len(rejected) == sum(found["rejected"].values()) > 3
    # It writes noise: cut off at eight tokens, or no JSON.
    assert {row["reason"] for row in rejected} <= {"teacher.cut_off", "teacher.not_json"}
    assert found["prompt_tokens"] > 100
    assert 0 < found["completion_tokens"] <= 24
    assert found["requests_without_usage"] == 0
    assert "does not take json_schema or json_object" in result.stderr
