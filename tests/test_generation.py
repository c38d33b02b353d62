"""helpers/generation.py against a loop that takes one prompt, no padding and no cache."""

import copy

import pytest
import torch
from transformers import (
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    RepetitionPenaltyLogitsProcessor,
)

from helpers.generation import Completion, complete

PROMPTS = [
    "Mornings start gently with a kettle in sage green, and",
    "A",
    "Three pockets hold the pens",
    "The whistling spout tells you when the water is ready. A lamp",
    "A",
    "a mat for",
    "Color: navy\nDescription:",
]


def slow_completion(model, tokenizer, prompt: str, limit: int, penalty: float = 1) -> Completion:
    ids = tokenizer(prompt)["input_ids"]
    written = []
    while len(written) < limit:
        with torch.no_grad():
            logits = model(torch.tensor([ids + written]), use_cache=False).logits[0, -1]
        for seen in {*ids, *written}:
            logits[seen] = logits[seen] / penalty if logits[seen] > 0 else logits[seen] * penalty
        token = int(logits.argmax())
        if token == tokenizer.eos_token_id:
            return Completion(tokenizer.decode(written).strip(), len(written), True)
        written.append(token)
    return Completion(tokenizer.decode(written).strip(), len(written), False)


def chained(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, successors: dict[str, str]
) -> LlamaForCausalLM:
    """A copy whose next token depends on the last one alone, as the table says."""
    model = copy.deepcopy(model)

    def only_id(text: str) -> int:
        (token,) = tokenizer(text)["input_ids"]
        return token

    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.lm_head.weight.zero_()
        for last, following in successors.items():
            meaning = model.model.norm(model.model.embed_tokens.weight[only_id(last)])
            model.lm_head.weight[only_id(following)] += meaning
    return model


@pytest.fixture(scope="module")
def chain(tiny_model, tiny_tokenizer) -> LlamaForCausalLM:
    return chained(tiny_model, tiny_tokenizer, {"q": "x", "x": "z", "z": "<|end|>", "j": "j"})


@pytest.fixture(scope="module")
def slowly_written(tiny_model, tiny_tokenizer) -> list[Completion]:
    completions = [slow_completion(tiny_model, tiny_tokenizer, prompt, 12) for prompt in PROMPTS]
    assert len({completion.text for completion in completions}) == len(set(PROMPTS))
    return completions


@pytest.mark.parametrize("batch_size", [1, 2, 3, 50])
def test_a_batch_writes_what_a_slow_loop_without_padding_writes(
    tiny_model, tiny_tokenizer, slowly_written, batch_size
):
    assert complete(tiny_model, tiny_tokenizer, PROMPTS, 12, batch_size) == slowly_written


@pytest.fixture
def rows_at_once(tiny_model, monkeypatch) -> list[int]:
    """A list that fills with the number of prompts of each call of generate."""
    rows = []
    generate = tiny_model.generate

    def counting(input_ids: torch.Tensor, **more: object) -> torch.Tensor:
        rows.append(len(input_ids))
        return generate(input_ids=input_ids, **more)

    monkeypatch.setattr(tiny_model, "generate", counting)
    return rows


def test_a_batch_holds_at_most_batch_size_prompts(tiny_model, tiny_tokenizer, rows_at_once):
    complete(tiny_model, tiny_tokenizer, PROMPTS, 1, batch_size=3)
    assert sorted(rows_at_once) == [1, 3, 3]


def test_the_end_token_stops_a_completion_and_is_not_counted(chain, tiny_tokenizer):
    assert complete(chain, tiny_tokenizer, ["q"], 9) == [Completion("xz", 2, True)]


def test_an_end_token_that_just_fits_the_limit_counts_as_stopped(chain, tiny_tokenizer):
    assert complete(chain, tiny_tokenizer, ["q"], 3) == [Completion("xz", 2, True)]


def test_a_limit_before_the_end_token_counts_as_not_stopped(chain, tiny_tokenizer):
    assert complete(chain, tiny_tokenizer, ["q"], 2) == [Completion("xz", 2, False)]


def test_an_end_token_at_once_leaves_an_empty_completion(chain, tiny_tokenizer):
    assert complete(chain, tiny_tokenizer, ["z"], 9) == [Completion("", 0, True)]


def test_in_one_batch_each_prompt_stops_at_its_own_end(chain, tiny_tokenizer):
    prompts = ["A lamp for the desk z", "j", "q", "A mat q", "x"]
    assert complete(chain, tiny_tokenizer, prompts, 5) == [
        Completion("", 0, True),
        Completion("jjjjj", 5, False),
        Completion("xz", 2, True),
        Completion("xz", 2, True),
        Completion("z", 1, True),
    ]


def test_blanks_around_a_completion_are_taken_off(tiny_model, tiny_tokenizer):
    model = chained(tiny_model, tiny_tokenizer, {"q": " ", " ": "x", "x": "\n", "\n": "<|end|>"})
    assert complete(model, tiny_tokenizer, ["q"], 9) == [Completion("x", 3, True)]


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_in_the_mode_it_came_in(tiny_model, tiny_tokenizer, training):
    model = copy.deepcopy(tiny_model).train(training)
    complete(model, tiny_tokenizer, PROMPTS[:2], 2)
    assert model.training is training


def test_a_model_in_training_mode_writes_without_dropout(
    tiny_model, tiny_tokenizer, slowly_written
):
    model = copy.deepcopy(tiny_model).train()
    assert complete(model, tiny_tokenizer, PROMPTS, 12) == slowly_written


def test_no_prompts_give_no_completions(tiny_model, tiny_tokenizer):
    assert complete(tiny_model, tiny_tokenizer, [], 5) == []


@pytest.mark.parametrize("penalty", [1.1, 1.3, 2.0])
@pytest.mark.parametrize("batch_size", [1, 3, 50])
def test_under_a_repetition_penalty_a_batch_writes_what_each_prompt_alone_does(
    tiny_model, tiny_tokenizer, slowly_written, batch_size, penalty
):
    slow = [slow_completion(tiny_model, tiny_tokenizer, text, 12, penalty) for text in PROMPTS]
    assert slow != slowly_written  # the penalty changes something
    found = complete(
        tiny_model, tiny_tokenizer, PROMPTS, 12, batch_size, repetition_penalty=penalty
    )
    assert found == slow


@pytest.fixture(scope="module")
def soon_ending(tiny_model, tiny_tokenizer) -> LlamaForCausalLM:
    """After "q" the end is a little likelier than "x"."""
    model = chained(tiny_model, tiny_tokenizer, {"q": "x", "x": "<|end|>"})
    (asked,) = tiny_tokenizer("q")["input_ids"]
    with torch.no_grad():
        meaning = model.model.norm(model.model.embed_tokens.weight[asked])
        model.lm_head.weight[tiny_tokenizer.eos_token_id] += 1.2 * meaning
    return model


@pytest.mark.parametrize("num_beams", [1, 2])
def test_a_repetition_penalty_does_not_punish_stopping_in_a_row_padded_with_the_end_token(
    soon_ending, tiny_tokenizer, num_beams
):
    prompts = ["q", "A lamp for the desk q"]
    found = complete(
        soon_ending, tiny_tokenizer, prompts, 3, num_beams=num_beams, repetition_penalty=2.0
    )
    assert found == [Completion("", 0, True)] * 2


def test_without_the_length_of_the_padding_stopping_would_be_punished(
    soon_ending, tiny_tokenizer, monkeypatch
):
    monkeypatch.setattr(
        "transformers.generation.utils.RepetitionPenaltyLogitsProcessor",
        lambda penalty, prompt_ignore_length: RepetitionPenaltyLogitsProcessor(penalty),
    )
    prompts = ["q", "A lamp for the desk q"]
    found = complete(soon_ending, tiny_tokenizer, prompts, 3, repetition_penalty=2.0)
    assert [done.text for done in found] == ["x", ""]


def test_a_penalty_of_the_model_s_own_configuration_is_not_used(
    tiny_model, tiny_tokenizer, slowly_written
):
    model = copy.deepcopy(tiny_model)
    model.generation_config.repetition_penalty = 2.0
    assert complete(model, tiny_tokenizer, PROMPTS, 12) == slowly_written


def likelihood(model, tokenizer, prompt: str, ids: list[int]) -> float:
    prompt_ids = tokenizer(prompt)["input_ids"]
    with torch.no_grad():
        logits = model(torch.tensor([prompt_ids + ids])).logits[0, len(prompt_ids) - 1 : -1]
    return logits.log_softmax(-1)[range(len(ids)), ids].sum().item()


def test_many_beams_find_the_likeliest_text_of_two_tokens(tiny_model, tiny_tokenizer):
    vocabulary = range(len(tiny_tokenizer))
    ending = tiny_tokenizer.eos_token_id
    for prompt in (PROMPTS[0], PROMPTS[2]):
        prompt_ids = tiny_tokenizer(prompt)["input_ids"]
        rows = torch.tensor([[*prompt_ids, first] for first in vocabulary])
        with torch.no_grad():
            logs = tiny_model(rows).logits.log_softmax(-1)
        pairs = logs[0, -2][:, None] + logs[:, -1]  # first token, second token
        pairs[ending] = -torch.inf  # a text that ends at once is another length
        first, second = divmod(int(pairs.argmax()), len(tiny_tokenizer))
        (found,) = complete(tiny_model, tiny_tokenizer, [prompt], 2, num_beams=100)
        assert found.text == tiny_tokenizer.decode([first, second]).strip()


@pytest.mark.parametrize("batch_size", [1, 6, 50])
def test_with_beams_too_a_batch_writes_what_each_prompt_alone_does(
    tiny_model, tiny_tokenizer, slowly_written, batch_size
):
    alone = [complete(tiny_model, tiny_tokenizer, [text], 12, num_beams=3)[0] for text in PROMPTS]
    assert alone != slowly_written
    assert complete(tiny_model, tiny_tokenizer, PROMPTS, 12, batch_size, num_beams=3) == alone


def test_beams_count_in_the_size_of_a_batch(tiny_model, tiny_tokenizer, rows_at_once):
    complete(tiny_model, tiny_tokenizer, PROMPTS, 1, batch_size=6, num_beams=2)
    assert sorted(rows_at_once) == [1, 3, 3]
