import pytest
from benchmarks.step_profile.__main__ import REST, kind_of, seconds_by_kind, table
from benchmarks.step_profile.plot import draw
from benchmarks.step_profile.steps import forest_step, plain_step

from tunery.models.token_row import TokenRow
from tunery.testing.tiny_models import save_tiny_model

pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # PEFT's


@pytest.fixture
def steps(tmp_path):
    folder = save_tiny_model(tmp_path / "model")
    rows = [TokenRow((2, 3, 4, 5, 6, 7 + n), (0.0,) * 5 + (1.0,)) for n in range(3)]
    return [make(folder, rows) for make in (plain_step, forest_step)]


def test_both_steps_compute_the_same_loss(steps):
    plain, forest = (step() for step in steps)
    assert forest == pytest.approx(plain, rel=1e-5)


def test_each_second_of_a_step_is_counted_once(steps):
    found = seconds_by_kind(steps[1])
    assert found["matrix products"] > 0
    assert found["attention"] > 0
    assert min(found.values()) >= 0


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("aten::mm", "matrix products"),
        ("aten::_scaled_dot_product_flash_attention_for_cpu", "attention"),
        ("aten::_log_softmax", "softmax and loss"),
        ("aten::mul", "element-wise work and copies"),
        ("ProfilerStep*", None),
    ],
)
def test_operations_are_told_apart(operation, kind):
    assert kind_of(operation) == kind


def test_the_table_and_the_plot_show_both(tmp_path):
    kinds = dict.fromkeys(
        ("matrix products", "attention", "softmax and loss", "element-wise work and copies", REST),
        1.0,
    )
    text = table({"plain": kinds, "prefix forest": kinds})
    assert "| matrix products | 1.00 | 20% | 1.00 | 20% |" in text
    assert "| the whole step | 5.00 | 100% | 5.00 | 100% |" in text
    draw({"plain": kinds, "prefix forest": kinds}, "Title", tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000
