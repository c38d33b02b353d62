"""What notebook 05 writes in the open is what `helpers.training` and the libraries do."""

import copy
import math
import random
from functools import partial

import pytest
import torch
from torch.nn.functional import cross_entropy

from helpers import training
from helpers.checks import training_loop as checks
from notebook_files import NOTEBOOKS, define

(TRAINING_LOOP,) = (path for path in NOTEBOOKS if path.name.startswith("05"))
NAMES = {
    "torch": torch,
    "math": math,
    "random": random,
    "cross_entropy": cross_entropy,
    "IGNORE_INDEX": training.IGNORE_INDEX,
    "Step": training.Step,
    "collate": training.collate,
}


def taught(name, bf16=False):
    """A function of 05, with those that it calls; the set-up of 05 chooses the precision."""
    names = NAMES | {"bf16": bf16}
    needs = {
        "mean_nll": ["target_nll"],
        "train": ["target_nll", "rate_share", "accumulate_step"],
    }
    for needed in needs.get(name, []):
        names[needed] = define(TRAINING_LOOP, needed, **names)
    return define(TRAINING_LOOP, name, **names)


@pytest.fixture
def examples(tiny_tokenizer):
    pairs = [
        ("a kettle:", " Mornings start gently."),
        ("a lamp for the desk:", " A book and a mat."),
        ("tea:", " Ready when the water is, and not a moment before that."),
        ("pens:", " Small."),
        ("a mat for the floor:", " In sage green, with three pockets."),
    ]
    return [training.encode(tiny_tokenizer, *pair) for pair in pairs]


def test_the_loss_of_targets_is_that_of_05(tiny_model, examples):
    batch = training.collate(examples, pad_token_id=0)
    found = training.target_nll(tiny_model, batch)
    assert torch.equal(found, taught("target_nll")(tiny_model, batch))


def test_the_loss_by_hand_is_the_mean_of_the_helpers(tiny_model, examples):
    batch = training.collate(examples, pad_token_id=0)
    by_hand = taught("loss_by_hand")(tiny_model(**batch).logits, batch["labels"])
    mean = training.target_nll(tiny_model, batch).mean()
    assert by_hand.item() == pytest.approx(mean.item(), abs=1e-6)


def test_the_mean_over_rows_is_that_of_05(tiny_model, examples):
    found = training.mean_nll(tiny_model, examples, 0, batch_size=2)
    assert found == taught("mean_nll")(tiny_model, examples, 0, batch_size=2)


def test_the_schedule_is_that_of_05():
    plan = taught("rate_share")
    for step in range(20):
        assert training.rate_share(step, 20, 3) == plan(step, 20, 3)


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize(("batch_size", "accumulation"), [(2, 1), (1, 2), (5, 1)])
def test_the_loop_makes_the_steps_and_weights_of_05(
    tiny_model, examples, batch_size, accumulation, bf16
):
    settings = {"learning_rate": 1e-2, "epochs": 2, "seed": 3}
    settings |= {"batch_size": batch_size, "accumulation": accumulation}
    models, steps = [], []
    for train in (partial(training.train, bf16=bf16), taught("train", bf16)):
        model = copy.deepcopy(tiny_model)
        with torch.random.fork_rng():
            torch.manual_seed(0)  # the model has dropout
            steps.append(list(train(model, examples, 0, **settings)))
        models.append(model)
    assert steps[0] == steps[1]
    for ours, theirs in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_loops_rate_is_the_schedules_to_the_last_step(tiny_model, examples):
    """The helper sets the rate by torch's scheduler, 05 by hand: the last step must move less."""
    model, moved = copy.deepcopy(tiny_model).eval(), []
    before = model.lm_head.weight.detach().clone()
    for _ in taught("train")(model, examples, 0, learning_rate=1e-2, epochs=4, batch_size=5):
        moved.append((model.lm_head.weight - before).abs().max().item())
        before = model.lm_head.weight.detach().clone()
    assert moved[0] == 0  # warm-up starts at 0
    assert moved[1] == pytest.approx(1e-2, rel=0.5)
    assert moved[3] < moved[1]


def test_adamw_by_hand_is_torchs_with_decay_and_without():
    step = taught("adamw_step")
    for decay in (0.0, 0.1):
        weight = torch.linspace(-1, 1, 50)
        theirs = torch.nn.Parameter(weight.clone())
        optimizer = torch.optim.AdamW([theirs], lr=0.01, betas=(0.9, 0.95), weight_decay=decay)
        state = {"step": 0, "m": 0.0, "v": 0.0}
        for number in range(8):
            theirs.grad = torch.sin(theirs.detach() * (number + 1))
            weight = step(weight, theirs.grad, state, 0.01, decay=decay)
            optimizer.step()
        assert torch.allclose(weight, theirs.detach(), rtol=0, atol=1e-6)


def test_the_check_trains_the_toy_as_05_does():
    rows = checks.toy_rows()
    toy_run = define(
        TRAINING_LOOP, "toy_run", torch=torch, checks=checks, toy_rows=rows, END=checks.END,
        collate=training.collate, target_nll=training.target_nll,
    )  # fmt: skip
    shorter = [training.Example(row.input_ids[:5], row.labels[:5]) for row in rows]
    for given in (rows, shorter):
        frozen = tuple((tuple(ids), tuple(labels)) for ids, labels in given)
        assert toy_run(given) == checks.toy_run(frozen)
