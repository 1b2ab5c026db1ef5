"""A training of new tokens' rows or of the embedding, resumed, ends bit for bit alike."""

import pytest
import torch

from tunery.config.method import MethodSection
from tunery.config.train import TrainSection
from tunery.errors import MismatchError, PausedError
from tunery.models.load import open_model
from tunery.models.new_tokens import add_tokens
from tunery.models.token_row import TokenRow
from tunery.prefix import attention
from tunery.testing.tiny_models import save_tiny_model
from tunery.train.run import train
from tunery.train.session import Session

ROWS = [TokenRow((258, 3, n, 259, 9 + n), (0.0, 0.0, 0.0, 1.0, 1.0)) for n in range(12)]


@pytest.fixture
def run(tmp_path):
    base = save_tiny_model(tmp_path / "base")
    attention.register()

    def run(name, *, resume=False, pause_after=None, tokens=("<a>", "<b>"), **method):
        model = add_tokens(open_model("tiny", base, attention=attention.NAME), tokens)
        steps = []
        result = train(
            model,
            ROWS,
            [],
            method=MethodSection(rank=2, targets=("q_proj",), new_tokens=tokens, **method),
            settings=TrainSection(epochs=4, batch_size=4, learning_rate=0.01),
            session=Session(tmp_path / name, resume, lambda: len(steps) == pause_after),
            on_event=lambda event: steps.append(event) if hasattr(event, "grad_norm") else None,
        )
        return result.adapter

    return run


@pytest.mark.parametrize("whole", [False, True])
def test_paused_and_resumed_is_the_same(run, whole):
    straight = run("straight", train_embeddings=whole)
    with pytest.raises(PausedError):
        run("paused", pause_after=5, train_embeddings=whole)
    with pytest.raises(MismatchError):
        run("paused", resume=True, tokens=("<a>", "<c>"), train_embeddings=whole)
    again = run("paused", resume=True, train_embeddings=whole)
    kept = again.tables if whole else again.rows
    assert kept
    for name, values in (straight.tables if whole else straight.rows).items():
        assert torch.equal(kept[name], values)
    for name, factors in straight.factors.items():
        assert all(map(torch.equal, factors, again.factors[name]))
