"""helpers/parallel.py: alone it changes nothing; started wrongly it refuses. Two: test_sft.py."""

import copy
import os

import pytest
import torch
from torch import distributed, nn
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.nn.parallel import DistributedDataParallel

from helpers import parallel, training
from helpers.paths import ROOT
from notebook_files import define

NOTEBOOK = ROOT / "notebooks" / "12_scaling_out.ipynb"


@pytest.fixture
def group_of_one():
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    parallel.stop()


@pytest.mark.parametrize(("started", "asked"), [(None, 2), ("2", 1), ("4", 2)])
def test_another_number_of_processes_than_asked_for_is_refused_here_and_in_the_notebook(
    started, asked, monkeypatch
):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    if started:
        monkeypatch.setenv("WORLD_SIZE", started)
    expected = f"processes started: {started or 1}, "
    with pytest.raises(SystemExit, match=expected):
        parallel.start(asked)
    with pytest.raises(SystemExit, match=expected):
        define(NOTEBOOK, "require", os=os)(asked)


def test_one_process_is_a_cpu_and_nothing_is_spread(model, monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)  # the file wins
    assert parallel.start(1) == torch.device("cpu")
    assert parallel.place() == (0, 1)
    assert parallel.of_the_first("float32") == "float32"
    loss_of = parallel.TargetNLL(model)
    assert parallel.spread(loss_of) is loss_of
    assert parallel.add_up(torch.tensor(3.0)) == 3.0


def test_the_loss_inside_a_module_is_the_loss(model, tiny_tokenizer, kettle_examples):
    batch = training.collate(kettle_examples[:2], tiny_tokenizer.pad_token_id)
    found, expected = parallel.TargetNLL(model)(batch), training.target_nll(model, batch)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_whole_weights_have_the_models_own_names_and_values(model):
    whole = dict(parallel.whole_weights(parallel.TargetNLL(model)))
    assert list(whole) == [name for name, _ in model.named_parameters()]
    for name, weight in model.named_parameters():
        assert torch.equal(whole[name], weight)


def test_only_the_first_process_gets_whole_weights(model, monkeypatch):
    monkeypatch.setattr(parallel, "place", lambda: (1, 2))
    assert not list(parallel.whole_weights(parallel.TargetNLL(model)))


def test_a_sum_over_processes_is_the_notebooks(group_of_one):
    theirs = define(NOTEBOOK, "add_up", torch=torch, distributed=distributed)
    assert theirs(3) == parallel.add_up(torch.tensor(3.0)) == 3.0


def test_a_file_for_fsdp_shards_what_the_notebook_shards(model, group_of_one, monkeypatch):
    names = dict(distributed=distributed, nn=nn, fully_shard=fully_shard)
    theirs = define(NOTEBOOK, "spread", **names, TargetNLL=parallel.TargetNLL)(copy.deepcopy(model))
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    ours = parallel.spread(parallel.TargetNLL(copy.deepcopy(model)))
    found = [
        [name for name, part in one.named_modules() if isinstance(part, FSDPModule)]
        for one in (ours, theirs)
    ]
    assert found[0] == found[1] == ["", "model.model.layers.0", "model.model.layers.1"]
    whole = dict(parallel.whole_weights(ours))
    assert all(torch.equal(whole.pop(name), weight) for name, weight in model.named_parameters())
    assert not whole


def test_without_one_each_process_has_a_copy(model, group_of_one):
    spread = parallel.spread(parallel.TargetNLL(model))
    assert isinstance(spread, DistributedDataParallel)
    names = [name for name, _ in parallel.whole_weights(spread)]
    assert names == [name for name, _ in model.named_parameters()]
