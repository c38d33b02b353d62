"""helpers.precision: asked for, refused, and chosen for a machine that is made up here."""

import pytest
import torch

from helpers import precision


@pytest.fixture
def machine(monkeypatch):
    """A function that makes up the machine: what it says it has, and what is measured."""

    def set_up(has: bool, gain: float) -> None:
        monkeypatch.setattr(precision, "has_bfloat16", lambda: has)
        monkeypatch.setattr(precision, "bfloat16_gain", lambda: gain)

    return set_up


@pytest.mark.parametrize("wanted", ["bf16", "float16", "Auto", "", None, True])
def test_another_wish_is_refused_with_the_three_that_there_are(wanted):
    with pytest.raises(ValueError, match="'auto', 'bfloat16' or 'float32'"):
        precision.choose(wanted)


@pytest.mark.parametrize("wanted", ["bfloat16", "float32"])
@pytest.mark.parametrize(("has", "gain"), [(False, 0.01), (True, 3.0)])
def test_what_is_asked_for_by_name_is_taken_whatever_the_machine(machine, wanted, has, gain):
    machine(has, gain)
    assert precision.choose(wanted) == wanted


def test_a_processor_that_lacks_bfloat16_gets_float32_and_is_not_measured(monkeypatch):
    def measured() -> float:
        raise AssertionError("emulated products are slow: they are not to be timed")

    monkeypatch.setattr(precision, "has_bfloat16", lambda: False)
    monkeypatch.setattr(precision, "bfloat16_gain", measured)
    assert precision.choose("auto") == "float32"


@pytest.mark.parametrize("gain", [0.01, 0.99, 1.0])
def test_a_processor_that_has_bfloat16_and_gains_nothing_gets_float32(machine, gain):
    machine(has=True, gain=gain)
    assert precision.choose("auto") == "float32"


@pytest.mark.parametrize("gain", [1.01, 3.0])
def test_a_processor_that_has_bfloat16_and_gains_by_it_gets_bfloat16(machine, gain):
    machine(has=True, gain=gain)
    assert precision.choose("auto") == "bfloat16"


def test_without_a_wish_the_machine_decides(machine):
    machine(has=True, gain=2.0)
    assert precision.choose() == "bfloat16"
    machine(has=False, gain=2.0)
    assert precision.choose() == "float32"


@pytest.mark.parametrize("has", [True, False])
def test_on_a_gpu_the_gpu_decides_and_not_the_processor(machine, monkeypatch, has):
    machine(has=not has, gain=2.0)
    asked = []
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **how: asked.append(how) or has)
    assert precision.choose("auto", "cuda") == ("bfloat16" if has else "float32")
    assert asked == [{"including_emulation": False}]
    assert precision.choose("float32", "cuda") == "float32"


@pytest.mark.parametrize("name", ["avx512_bf16", "amx_bf16", "bf16"])
def test_each_name_for_such_instructions_is_known(monkeypatch, name):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, name: True})
    assert precision.has_bfloat16()


def test_a_processor_that_names_none_of_them_lacks_bfloat16(monkeypatch):
    capabilities = {"avx2": True, "avx512_f": True, "avx512_bf16": False}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert not precision.has_bfloat16()


def test_the_gain_is_the_time_in_float32_over_the_time_in_bfloat16(monkeypatch):
    seconds = {torch.float32: 0.06, torch.bfloat16: 0.02}
    monkeypatch.setattr(precision, "_seconds", seconds.get)
    assert precision.bfloat16_gain() == pytest.approx(3.0)


def test_a_turn_in_which_the_machine_is_busy_does_not_decide(monkeypatch):
    busy = iter([0.06, 0.90, 0.80, 0.02, *[0.50] * 100])  # wide, narrow, wide, narrow, ...
    monkeypatch.setattr(precision, "_seconds", lambda dtype: next(busy))
    assert precision.bfloat16_gain() == pytest.approx(3.0)
