from collections import Counter

from tunery.data.reservoir import Reservoir


def drawn(size, seed, n):
    sample = Reservoir(size, seed)
    for value in range(n):
        sample.add(value)
    return sample


def test_a_short_stream_is_kept_whole():
    assert drawn(5, 0, 3).values() == [0, 1, 2]


def test_a_sample_keeps_the_order_and_the_seed_decides():
    sample = drawn(5, 1, 100)
    assert sample.seen == 100
    assert sample.values() == sorted(sample.values()) == drawn(5, 1, 100).values()
    assert sample.values() != drawn(5, 2, 100).values()


def test_every_value_has_the_same_chance():
    counts = Counter(value for seed in range(3000) for value in drawn(2, seed, 6).values())
    assert all(880 < counts[value] < 1120 for value in range(6))  # 1000 ± 4.6 deviations
