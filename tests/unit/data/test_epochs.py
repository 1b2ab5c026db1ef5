import pytest

from tunery.data.epochs import epochs


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(1, 25), (4, 25), (10, 10), (33, 3), (34, 3), (240, 3), (8333, 3), (8334, 2), (30_000, 1)],
)
def test_epochs_are_those_of_the_cookbook(rows, expected):
    chosen, why = epochs(rows)
    assert chosen == expected
    assert f"{rows} rows" in why
