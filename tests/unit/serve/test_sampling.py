import torch

from tunery.serve.engine import Sampling
from tunery.serve.engines.sampling import new_generator, next_tokens

LOGITS = torch.tensor([[0.0, 3.0, 1.0], [2.0, 0.0, 2.0]])


def draws(sampling, count=400):
    generator = new_generator(sampling.seed)
    return torch.stack([next_tokens(LOGITS, sampling, generator) for _ in range(count)])


def test_temperature_0_takes_the_most_likely():
    assert next_tokens(LOGITS, Sampling(), new_generator(0)).tolist() == [1, 0]


def test_tokens_come_as_often_as_their_probability_says():
    drawn = draws(Sampling(temperature=1.0, seed=3), 4000)
    shares = torch.stack([(drawn == token).double().mean(dim=0) for token in range(3)], dim=1)
    torch.testing.assert_close(shares, LOGITS.double().softmax(-1), atol=0.03, rtol=0)


def test_top_p_leaves_out_the_tail_but_never_all():
    drawn = draws(Sampling(temperature=1.0, top_p=0.5, seed=3))
    assert set(drawn[:, 0].tolist()) == {1}
    assert set(drawn[:, 1].tolist()) == {0, 2}
    tiny = draws(Sampling(temperature=1.0, top_p=1e-9, seed=3))
    assert set(tiny[:, 0].tolist()) == {1}


def test_a_seed_repeats_and_none_does_not():
    again = Sampling(temperature=2.0, seed=5)
    assert torch.equal(draws(again), draws(again))
    fresh = Sampling(temperature=2.0)
    assert not torch.equal(draws(fresh), draws(fresh))
