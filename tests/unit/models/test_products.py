import pytest
import torch

from tunery.models import products
from tunery.models.load import set_threads


@pytest.fixture(autouse=True)
def _setting():
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


def test_the_choice_is_float32_exact_and_the_same_each_time():
    first = products.use_fastest_products()
    assert products.use_fastest_products() is first is products.by_onednn()
    assert products._error() < products.WORST_ERROR


def test_an_intel_processor_keeps_the_default():
    torch.set_float32_matmul_precision("medium")
    assert products.use_fastest_products("GenuineIntel") is False
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() != "AVX512" or torch.cpu._is_amx_tile_supported(),
    reason="needs AVX-512 without AMX",
)
def test_wide_processors_of_others_compute_by_onednn_unless_it_rounds(monkeypatch):
    assert products.use_fastest_products("AuthenticAMD") is True
    monkeypatch.setattr(products, "_error", lambda: 2e-3)
    assert products.use_fastest_products("AuthenticAMD") is False
    assert torch.get_float32_matmul_precision() == "highest"


def test_threads_and_products_are_chosen_together():
    torch.set_float32_matmul_precision("highest")
    set_threads(1)
    chosen = products.by_onednn()
    assert chosen is products.use_fastest_products()
