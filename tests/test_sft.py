"""tools/sft.py: the mean of the last checkpoints, and the scores that it records."""

import copy
import sys

import pandas as pd
import pytest
import torch

from helpers import training
from helpers.paths import ROOT
from helpers.run_files import saved_weights
from tool_files import load_tool

sft = load_tool("sft")


@pytest.mark.parametrize("rows", [17, 8])  # 3 steps a pass, and 1
def test_the_weights_are_the_mean_of_the_last_three_half_passes(
    rows, tiny_model, tiny_tokenizer, kettle_examples
):
    model, other = copy.deepcopy(tiny_model), copy.deepcopy(tiny_model)
    pad = tiny_tokenizer.pad_token_id
    torch.manual_seed(0)  # dropout draws alike in both
    sft.train(model, kettle_examples[:rows], pad, seed=3, bf16=False)
    kept = []
    torch.manual_seed(0)
    settings = dict(learning_rate=1.5e-4, epochs=3, batch_size=8, seed=3, bf16=False)
    for _ in training.train(other, kettle_examples[:rows], pad, **settings):
        kept.append(copy.deepcopy(other.state_dict()))  # a checkpoint after each step
    assert not model.training
    for name, weight in model.state_dict().items():
        mean = torch.stack([state[name] for state in kept[-3:]]).mean(0)
        torch.testing.assert_close(weight, mean, rtol=1e-5, atol=1e-7)
    assert not torch.equal(kept[-1]["model.norm.weight"], model.model.norm.weight)


def test_it_writes_a_model_and_the_scores_of_both_ways_of_writing(
    tiny_model, tiny_tokenizer, tmp_path, monkeypatch, capsys
):
    tiny_model.save_pretrained(tmp_path / "start")
    tiny_tokenizer.save_pretrained(tmp_path / "start")
    monkeypatch.setattr(sft.models, "model_folder", lambda name: tmp_path / "start")
    few = ["--train-rows", "8", "--validation-rows", "2", "--max-new-tokens", "4"]
    output = tmp_path / "out"
    monkeypatch.setattr(sys, "argv", ["sft.py", "--seed", "5", "--output", str(output), *few])
    sft.main()
    table, seeds = pd.read_csv(output / "scores.csv"), pd.read_csv(ROOT / "data" / "seeds.csv")
    assert list(table) == list(seeds)
    assert list(table["system"]) == ["tuned", "best draft"]
    assert set(table["seed"]) == {5}
    assert table["command"].str.contains("--seed 5").all()
    assert "best draft" in capsys.readouterr().out
    names = [name for name, _ in saved_weights(output / "model")]
    assert "model.embed_tokens.weight" in names
