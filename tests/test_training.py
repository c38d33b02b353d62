"""helpers.training: expected values by hand, in a slow loop, or from another library."""

import copy
import math

import pytest
import torch
from transformers import get_linear_schedule_with_warmup

from helpers import training
from helpers.training import IGNORE_INDEX, Example

PAIRS = [
    ("a kettle:", " Mornings start gently."),
    ("a lamp for the desk:", " A book and a mat."),
    ("tea:", " Ready when the water is, and not a moment before that."),
    ("pens:", " Small."),
]


@pytest.fixture
def examples(tiny_tokenizer):
    return [training.encode(tiny_tokenizer, *pair) for pair in PAIRS]


def slow_nll(model, examples):
    """One row, one position at a time, from the library's own logits."""
    found = []
    for ids, labels in examples:
        logits = model(input_ids=torch.tensor([ids])).logits[0]
        for t in range(1, len(ids)):
            if labels[t] != IGNORE_INDEX:
                found.append(-logits[t - 1].log_softmax(-1)[labels[t]].item())
    return found


def test_only_the_completion_and_the_end_token_have_labels(tiny_tokenizer):
    example = training.encode(tiny_tokenizer, "a kettle:", " in green")
    prompt = tiny_tokenizer("a kettle:")["input_ids"]
    assert example.input_ids[: len(prompt)] == prompt
    assert example.input_ids[-1] == tiny_tokenizer.eos_token_id
    assert tiny_tokenizer.decode(example.input_ids[len(prompt) : -1]) == " in green"
    assert example.labels == [IGNORE_INDEX] * len(prompt) + example.input_ids[len(prompt) :]


class MergesAcrossTheBoundary:
    """A tokenizer whose one merge joins the prompt's last space with what follows."""

    eos_token_id = 0

    def __call__(self, text):
        return {"input_ids": [ord(c) for c in text.replace(" a", "\u2581")]}


def test_a_prompt_whose_tokens_change_is_refused():
    with pytest.raises(ValueError, match="end the prompt before a space"):
        training.encode(MergesAcrossTheBoundary(), "x: ", "a b")


def test_padding_is_on_the_right_without_attention_and_label():
    batch = training.collate([Example([5, 6, 7], [-100, 6, 7]), Example([8], [8])], 9)
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 9, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["labels"].tolist() == [[-100, 6, 7], [8, -100, -100]]


def test_the_end_token_keeps_its_label_where_it_is_also_the_padding(tiny_tokenizer, examples):
    batch = training.collate(examples, tiny_tokenizer.pad_token_id)
    for ids, mask, labels in zip(*(batch[name] for name in batch), strict=True):
        last = mask.sum() - 1
        assert labels[last] == ids[last] == tiny_tokenizer.eos_token_id
        assert (labels[last + 1 :] == IGNORE_INDEX).all()


def test_each_target_has_the_likelihood_of_a_slow_loop(model, examples):
    with torch.no_grad():
        found = training.target_nll(model, training.collate(examples, 0)).tolist()
        assert found == pytest.approx(slow_nll(model, examples), abs=1e-5)


def test_the_mean_of_a_batch_is_the_librarys_loss(model, examples):
    batch = training.collate(examples, 0)
    with torch.no_grad():
        found = training.target_nll(model, batch).mean().item()
        assert found == pytest.approx(model(**batch).loss.item(), abs=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3, 4, 16])
def test_the_mean_over_rows_is_over_targets_whatever_the_batch(model, examples, batch_size):
    with torch.no_grad():
        slow = slow_nll(model, examples)
    found = training.mean_nll(model, examples, 0, batch_size)
    assert found == pytest.approx(sum(slow) / len(slow), abs=1e-5)


def test_measuring_is_done_in_evaluation_mode_and_leaves_the_mode_as_it_was(tiny_model, examples):
    model = copy.deepcopy(tiny_model)  # it has dropout
    expected = training.mean_nll(model.eval(), examples, 0)
    assert training.mean_nll(model.train(), examples, 0) == expected
    assert model.training
    training.mean_nll(model.eval(), examples, 0)
    assert not model.training


def test_the_schedule_is_the_librarys_linear_one():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = get_linear_schedule_with_warmup(optimizer, 3, 20)
    for step in range(20):
        assert training.rate_share(step, 20, 3) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()


def test_the_step_says_what_it_read(model, examples):
    (step,) = training.train(model, examples, 0, learning_rate=1e-3, batch_size=4, bf16=False)
    targets = sum(label != IGNORE_INDEX for _, labels in examples for label in labels)
    assert step.number == 1
    assert step.tokens == sum(len(ids) for ids, _ in examples)
    assert step.targets == targets


def test_a_label_on_the_first_token_is_no_target_since_nothing_comes_before_it(model):
    rows = [Example([1, 2, 3], [1, 2, 3])]
    (step,) = training.train(model, rows, 0, learning_rate=0.0, bf16=False)
    with torch.no_grad():
        slow = slow_nll(model, rows)
    assert step.targets == len(slow) == 2
    assert step.loss == pytest.approx(sum(slow) / 2, abs=1e-5)


def test_rows_without_a_target_are_refused(model):
    rows = [Example([1, 2, 3], [IGNORE_INDEX] * 3)]
    with pytest.raises(ValueError, match="no token of these rows carries loss"):
        list(training.train(model, rows, 0, learning_rate=1e-3, bf16=False))
    with pytest.raises(ValueError, match="no token of these rows carries loss"):
        training.mean_nll(model, rows, 0)


@pytest.mark.parametrize(("batch_size", "accumulation"), [(1, 4), (2, 2), (3, 2)])
def test_accumulated_micro_batches_make_the_step_of_one_large_batch(
    model, examples, batch_size, accumulation
):
    def run(**sizes):
        copied = copy.deepcopy(model)
        settings = {"learning_rate": 1e-3, "epochs": 3, "bf16": False}
        steps = list(training.train(copied, examples, 0, **settings, **sizes))
        return steps, torch.cat([weight.flatten() for weight in copied.parameters()])

    whole, large = run(batch_size=4)
    parts, small = run(batch_size=batch_size, accumulation=accumulation)
    assert [step.loss for step in parts] == pytest.approx([step.loss for step in whole], abs=1e-5)
    norms = [step.grad_norm for step in whole]
    assert [step.grad_norm for step in parts] == pytest.approx(norms, rel=1e-4)
    assert (small - large).abs().max() < 1e-4  # AdamW enlarges rounding; one step moves by 1e-3


def plain_run(model, examples, rate, steps, warmup):
    """The same run spelled out: the library's loss, unfused AdamW, the library's schedule."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.0)
    schedule = get_linear_schedule_with_warmup(optimizer, warmup, steps)
    losses, norms = [], []
    for _ in range(steps):
        loss = model(**training.collate(examples, 0)).loss
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        losses.append(loss.item())
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return losses, norms


def test_whole_batch_steps_are_those_of_a_run_that_is_spelled_out(model, examples):
    other = copy.deepcopy(model)
    steps = list(training.train(model, examples, 0, learning_rate=1e-3, epochs=6, bf16=False))
    losses, norms = plain_run(other.train(), examples, 1e-3, 6, 1)
    assert [step.loss for step in steps] == pytest.approx(losses, abs=1e-4)
    assert [step.grad_norm for step in steps] == pytest.approx(norms, rel=1e-3)
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-4)


def test_a_pass_reads_every_row_once_and_the_seed_decides_the_order(model, examples):
    def tokens(seed):
        run = training.train(
            copy.deepcopy(model), examples, 0, learning_rate=0.0, batch_size=1, seed=seed, epochs=2,
            bf16=False,
        )  # fmt: skip
        return [step.tokens for step in run]

    lengths = sorted(len(ids) for ids, _ in examples)
    for seed in range(3):
        read = tokens(seed)
        assert sorted(read[:4]) == sorted(read[4:]) == lengths
        assert tokens(seed) == read
    assert len({tuple(tokens(seed)) for seed in range(5)}) > 1


@pytest.mark.parametrize("max_steps", [1, 3, 9])
def test_it_stops_after_max_steps_with_a_schedule_made_for_them(model, examples, max_steps):
    run = training.train(
        model, examples, 0, learning_rate=1e-3, batch_size=2, max_steps=max_steps, bf16=False
    )
    weights = []
    for _step in run:
        weights.append(model.lm_head.weight.detach().clone())
    assert len(weights) == max_steps
    if max_steps == 9:
        moves = [(b - a).abs().max().item() for a, b in zip(weights, weights[1:], strict=False)]
        assert moves[-1] < 0.5 * max(moves)


def test_bfloat16_products_leave_the_weights_in_float32(model, examples):
    (step,) = training.train(model, examples, 0, learning_rate=1e-3, bf16=True)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    assert math.isfinite(step.loss)


def test_the_precision_has_to_be_named(model, examples):
    with pytest.raises(TypeError, match="bf16"):
        next(training.train(model, examples, 0, learning_rate=1e-3))


def test_training_lowers_the_loss_of_the_rows(model, examples):
    before = training.mean_nll(model, examples, 0)
    list(training.train(model, examples, 0, learning_rate=1e-2, epochs=15, bf16=False))
    assert training.mean_nll(model, examples, 0) < 0.5 * before
