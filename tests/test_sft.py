"""tools/sft.py: the mean of the last checkpoints, its scores, and the same in two processes."""

import copy
import os
import subprocess
import sys

import pandas as pd
import pytest
import torch

from helpers import parallel, training
from helpers.paths import ROOT
from helpers.run_files import saved_weights
from tool_files import load_tool

sft = load_tool("sft")
FEW = ["--train-rows", "9", "--validation-rows", "1", "--max-new-tokens", "2"]  # steps of 8 and 1
LAUNCH = ROOT / "tools" / "launch"
STARTERS = {
    "torchrun, DDP": ["torch.distributed.run", "--nproc_per_node", "2"],
    "a file, DDP": ["accelerate.commands.launch", "two_cpu_processes.yaml"],
    "a file, FSDP": ["accelerate.commands.launch", "two_cpu_processes_fsdp.yaml"],
}


@pytest.fixture(scope="module")
def start_folder(tiny_model, tiny_tokenizer, tmp_path_factory):
    """A model without dropout, which each process would draw for itself."""
    folder, model = tmp_path_factory.mktemp("start"), copy.deepcopy(tiny_model)
    model.config.attention_dropout = 0.0
    model.save_pretrained(folder)
    tiny_tokenizer.save_pretrained(folder)
    return folder


def run(folder, output, *more, start=()):
    """Start the script in processes of its own."""
    given = ["--model", str(folder), "--output", str(output), "--precision", "float32", *FEW]
    command = [sys.executable, *start, str(ROOT / "tools" / "sft.py"), *given, *more]
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def weights_of(output):
    return dict(saved_weights(output / "model"))


@pytest.fixture(scope="module")
def one_process(start_folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("one")
    done = run(start_folder, output)
    assert done.returncode == 0, done.stderr
    return weights_of(output), pd.read_csv(output / "scores.csv")


@pytest.mark.parametrize("starter", STARTERS)
def test_two_processes_write_the_weights_and_scores_of_one_also_where_a_step_has_one_row(
    starter, one_process, start_folder, tmp_path
):
    module, *rest = STARTERS[starter]
    if module.startswith("accelerate"):
        rest = ["--config_file", str(LAUNCH / rest[0])]
    else:
        rest = [*rest, "--master_addr", "127.0.0.1", "--master_port", "29611"]
    start = ["-m", module, *rest]
    done = run(start_folder, tmp_path, "--processes", "2", start=start)
    assert done.returncode == 0, done.stderr
    expected, scores = one_process
    written, before = weights_of(tmp_path), dict(saved_weights(start_folder))
    assert set(written) == set(expected)
    for name, weight in expected.items():
        torch.testing.assert_close(written[name], weight, rtol=1e-5, atol=1e-6)
    moved = max((expected[name] - before[name]).abs().max() for name in expected)
    assert moved > 1e-4  # so the tolerance is a hundredth of what training does
    assert pd.read_csv(tmp_path / "scores.csv")["NLL"].tolist() == pytest.approx(
        scores["NLL"].tolist(), abs=1e-4
    )
    assert done.stdout.count("of 6: loss") == 1  # the first process tells it, and no other


def test_accelerates_cpu_option_starts_one_process_and_the_script_refuses(start_folder, tmp_path):
    start = ["-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2"]
    done = run(start_folder, tmp_path, "--processes", "2", start=start)
    assert done.returncode != 0
    assert "processes started: 1, --processes: 2. Start the script with torchrun" in done.stderr
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("rows", [17, 8])  # 3 steps a pass, and 1
def test_the_weights_are_the_mean_of_the_last_three_half_passes(
    rows, tiny_model, tiny_tokenizer, kettle_examples
):
    model, other = copy.deepcopy(tiny_model), copy.deepcopy(tiny_model)
    pad = tiny_tokenizer.pad_token_id
    torch.manual_seed(0)  # dropout draws alike in both
    found = sft.train(parallel.TargetNLL(model), kettle_examples[:rows], pad, seed=3, bf16=False)
    kept = []
    torch.manual_seed(0)
    settings = dict(learning_rate=1.5e-4, epochs=3, batch_size=8, seed=3, bf16=False)
    for _ in training.train(other, kettle_examples[:rows], pad, **settings):
        kept.append(copy.deepcopy(other.state_dict()))  # a checkpoint after each step
    assert list(found) == [name for name, _ in other.named_parameters()]
    for name, weight in found.items():
        mean = torch.stack([state[name] for state in kept[-3:]]).mean(0)
        torch.testing.assert_close(weight, mean, rtol=1e-5, atol=1e-7)
    assert not torch.equal(kept[-1]["model.norm.weight"], found["model.norm.weight"])


def test_a_process_without_a_row_takes_part_with_a_gradient_of_zero(
    model, tiny_tokenizer, kettle_examples, monkeypatch
):
    monkeypatch.setattr(parallel, "place", lambda: (1, 2))
    loss_of, pad = parallel.TargetNLL(model), tiny_tokenizer.pad_token_id
    assert sft.backward(loss_of, kettle_examples[:1], pad, bf16=False) == 0.0
    assert not any(weight.grad.any() for weight in model.parameters())


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
