import random
from datetime import UTC, datetime

import pytest

from tunery.data.generate.retry import asked_wait, is_worth_repeating, own_wait

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3),
        (" 1.5 ", 1.5),
        ("Wed, 25 Nov 2026 12:00:30 GMT", 30),
        ("Wed, 25 Nov 2026 12:00:30 -0000", 30),
        ("Wed, 25 Nov 2026 11:00:00 GMT", 0),
        (None, None),
        ("soon", None),
        ("-3", None),
        ("", None),
    ],
)
def test_what_a_server_asks_for(header, seconds):
    assert asked_wait(header, NOW) == seconds


def test_waits_grow_to_a_limit():
    chance = random.Random(0)
    for attempt in range(1, 60):
        longest = min(30, 0.5 * 2 ** (attempt - 1))
        assert longest / 2 <= own_wait(attempt, chance) <= longest


def test_mistakes_are_not_repeated():
    assert is_worth_repeating(429)
    assert not is_worth_repeating(400)
