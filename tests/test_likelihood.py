"""helpers/likelihood.py against the library's own loss, and against a slow loop."""

import copy
import math

import pytest
import torch

from helpers.likelihood import bits_per_byte, completion_nll

PROMPTS = ["Color: sage\nDescription:", "A:", "Three pockets hold the pens and the notes:", "Tea:"]
COMPLETIONS = [" A kettle in sage green.", " Café, 1.7 L — über!", " Yes", " A mat for the floor."]


def slow_nll(model, tokenizer, prompt: str, completion: str) -> tuple[float, int]:
    """One forward pass a target, no padding, softmax in float64."""
    before = tokenizer(prompt)["input_ids"]
    total = count = 0
    for token in [*tokenizer(completion)["input_ids"], tokenizer.eos_token_id]:
        with torch.no_grad():
            logits = model(torch.tensor([before])).logits[0, -1].double()
        total -= math.log(logits.softmax(-1)[token])
        count += 1
        before = [*before, token]
    return total, count


def expected(model, tokenizer) -> list[tuple[float, int]]:
    pairs = zip(PROMPTS, COMPLETIONS, strict=True)
    return [slow_nll(model, tokenizer, *pair) for pair in pairs]


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_each_row_costs_what_a_slow_loop_over_its_targets_says(
    tiny_model, tiny_tokenizer, batch_size
):
    found = completion_nll(tiny_model, tiny_tokenizer, PROMPTS, COMPLETIONS, batch_size)
    nll, tokens = zip(*expected(tiny_model, tiny_tokenizer), strict=True)
    assert len(set(tokens)) > 2  # rows of other lengths, so that an order mixed up shows
    assert found["nll"].tolist() == pytest.approx(nll, rel=1e-5)
    assert found["tokens"].tolist() == list(tokens)


def test_a_row_s_mean_is_the_loss_that_the_library_computes(tiny_model, tiny_tokenizer):
    found = completion_nll(tiny_model, tiny_tokenizer, PROMPTS, COMPLETIONS)
    for i, (prompt, completion) in enumerate(zip(PROMPTS, COMPLETIONS, strict=True)):
        given = tiny_tokenizer(prompt)["input_ids"]
        ids = tiny_tokenizer(prompt + completion)["input_ids"] + [tiny_tokenizer.eos_token_id]
        labels = [-100] * len(given) + ids[len(given) :]
        with torch.no_grad():
            loss = tiny_model(torch.tensor([ids]), labels=torch.tensor([labels])).loss.item()
        assert found["nll"][i] / found["tokens"][i] == pytest.approx(loss, rel=1e-5)


def test_without_a_prompt_the_first_token_is_no_target(tiny_model, tiny_tokenizer):
    found = completion_nll(
        tiny_model, tiny_tokenizer, ["", *PROMPTS], [" Yes, in green", *COMPLETIONS]
    )
    ids = tiny_tokenizer(" Yes, in green")["input_ids"] + [tiny_tokenizer.eos_token_id]
    with torch.no_grad():
        loss = tiny_model(torch.tensor([ids]), labels=torch.tensor([ids])).loss.item()
    assert found["tokens"][0] == len(ids) - 1
    assert found["nll"][0] == pytest.approx(loss * (len(ids) - 1), rel=1e-5)


def test_bytes_are_those_of_the_completion_in_utf_8_without_the_end(tiny_model, tiny_tokenizer):
    found = completion_nll(tiny_model, tiny_tokenizer, PROMPTS, COMPLETIONS)
    by_hand = [24, 20 + 1 + 2 + 1, 4, 21]  # é and ü take one more byte, the dash two more
    assert found["bytes"].tolist() == by_hand


def test_the_wrong_versions_would_be_told_apart(tiny_model, tiny_tokenizer):
    """No end token, prompt scored, row mean: each differs by far more than the tolerance."""
    end = tiny_tokenizer.eos_token_id
    for prompt, completion in zip(PROMPTS, COMPLETIONS, strict=True):
        right, count = slow_nll(tiny_model, tiny_tokenizer, prompt, completion)
        ids = tiny_tokenizer(prompt + completion)["input_ids"] + [end]
        with torch.no_grad():
            logits = tiny_model(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
        costs = -logits[range(len(ids) - 1), ids[1:]]
        for wrong in (costs[-count:-1].sum(), costs.sum(), costs[-count:].mean()):
            assert abs(wrong.item() / right - 1) > 0.01


@pytest.mark.parametrize("training", [True, False])
def test_dropout_is_off_and_the_model_s_mode_is_left_as_it_was(
    tiny_model, tiny_tokenizer, training
):
    model = copy.deepcopy(tiny_model).train(training)
    found = completion_nll(model, tiny_tokenizer, PROMPTS, COMPLETIONS)
    nll = [cost for cost, _ in expected(tiny_model, tiny_tokenizer)]
    assert found["nll"].tolist() == pytest.approx(nll, rel=1e-5)
    assert model.training is training


def test_a_tokenizer_without_a_pad_token_gives_the_same(tiny_model, tiny_tokenizer):
    bare = copy.deepcopy(tiny_tokenizer)
    bare.pad_token = None
    assert bare.pad_token_id is None
    found = completion_nll(tiny_model, bare, PROMPTS, COMPLETIONS)
    assert found.equals(completion_nll(tiny_model, tiny_tokenizer, PROMPTS, COMPLETIONS))


def test_lists_of_other_lengths_are_refused(tiny_model, tiny_tokenizer):
    with pytest.raises(ValueError, match="zip"):
        completion_nll(tiny_model, tiny_tokenizer, PROMPTS, COMPLETIONS[:-1])


def test_a_prompt_that_ends_in_a_space_is_refused(tiny_model, tiny_tokenizer):
    with pytest.raises(ValueError, match="end the prompt before a space"):
        completion_nll(tiny_model, tiny_tokenizer, ["for "], ["the floor"])


def test_a_coin_flip_for_each_bit_costs_eight_bits_per_byte():
    assert bits_per_byte(nll_sum=3 * math.log(256), bytes=3) == pytest.approx(8.0)


def test_bits_per_byte_by_hand():
    # two tokens of probability 1/4 and 1/16 for a text of three bytes: 2 + 4 bits over 3
    assert bits_per_byte(-math.log(1 / 4) - math.log(1 / 16), 3) == pytest.approx(2.0)
