"""helpers/parallel.py: alone it changes nothing; started wrongly it refuses. Two: test_sft.py."""

import os

import pytest
import torch

from helpers import parallel, training
from helpers.paths import ROOT
from notebook_files import define

NOTEBOOK = ROOT / "notebooks" / "12_scaling_out.ipynb"


@pytest.mark.parametrize(("started", "asked"), [(None, 2), ("2", 1), ("4", 2)])
def test_another_number_of_processes_than_asked_for_is_refused_here_and_in_the_notebook(
    started, asked, monkeypatch
):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    if started:
        monkeypatch.setenv("WORLD_SIZE", started)
    expected = f"processes started: {started or 1}, "
    with pytest.raises(SystemExit, match=expected):
        parallel.start(asked, cpu=True)
    with pytest.raises(SystemExit, match=expected):
        define(NOTEBOOK, "require", os=os)(asked)


def test_one_process_is_a_cpu_and_nothing_is_spread(model, monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert parallel.start(1, cpu=True) == torch.device("cpu")
    assert parallel.place() == (0, 1)
    assert parallel.of_the_first("float32") == "float32"
    loss_of = parallel.TargetNLL(model)
    assert parallel.spread(loss_of, shard=False) is loss_of


def test_the_loss_inside_a_module_is_the_loss(model, tiny_tokenizer, kettle_examples):
    batch = training.collate(kettle_examples[:2], tiny_tokenizer.pad_token_id)
    found, expected = parallel.TargetNLL(model)(batch), training.target_nll(model, batch)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_whole_weights_have_the_models_own_names_and_values(model):
    whole = parallel.whole_weights(parallel.TargetNLL(model))
    assert list(whole) == [name for name, _ in model.named_parameters()]
    for name, weight in model.named_parameters():
        assert torch.equal(whole[name], weight)


def test_an_own_part_is_the_weights_storage_so_that_a_change_arrives(model):
    weight = next(model.parameters())
    parallel.own_part(weight).fill_(7.0)
    assert weight.min() == weight.max() == 7.0
