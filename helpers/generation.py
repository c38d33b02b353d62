"""Descriptions from a model, in batches, greedily or with beams."""

from typing import NamedTuple

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Completion(NamedTuple):
    """What a model wrote after a prompt."""

    text: str
    tokens: int  # without the end token
    stopped: bool  # ended with the end token, before the limit


@torch.inference_mode()
def complete(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[str],
    max_new_tokens: int,
    batch_size: int = 50,
    num_beams: int = 1,
    repetition_penalty: float = 1.0,
    num_returned: int = 1,
) -> list[Completion]:
    """The most likely next token, again and again, until the end token or the limit.

    Args:
        prompts: any number of texts; each is completed as it stands.
        max_new_tokens: limit of one completion, in tokens.
        batch_size: sequences at once, beams counted; prompts of like length share a batch.
        num_beams: 1 for greedy; more keep so many of the likeliest texts so far, not just one.
        repetition_penalty: above 1 punishes tokens that stand in the prompt or were written; not
            the padding, whose length `generate` takes from the attention mask. It replaces one
            that the model's own generation_config.json may ask for.
        num_returned: completions of each prompt, at most num_beams: the likeliest of its beams.

    Returns:
        In the order of the prompts, num_returned Completions each, the likeliest first; the batch
        does not matter.

    Source: notebooks/06_sft_trainer.ipynb, section 6.2.
    """
    was_training = model.training
    model.eval()
    done: dict[int, list[Completion]] = {i: [] for i in range(len(prompts))}
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    at_once = max(1, batch_size // num_beams)
    for start in range(0, len(order), at_once):
        chosen = order[start : start + at_once]
        # Padding on the left: the text to go on from must stand last in every row.
        batch = tokenizer(
            [prompts[i] for i in chosen], padding=True, padding_side="left", return_tensors="pt"
        )
        output = model.generate(
            input_ids=batch["input_ids"],  # without token_type_ids, which GPT-2 would add up
            attention_mask=batch["attention_mask"],
            max_new_tokens=max_new_tokens,
            do_sample=False,
            num_beams=num_beams,
            num_return_sequences=num_returned,
            repetition_penalty=repetition_penalty,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        rows = [i for i in chosen for _ in range(num_returned)]
        for i, ids in zip(rows, output[:, batch["input_ids"].shape[1] :].tolist(), strict=True):
            done[i].append(as_completion(tokenizer, ids))
    model.train(was_training)
    return [completion for i in range(len(prompts)) for completion in done[i]]


def as_completion(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> Completion:
    """What was written, up to the first end token, if there is one.

    Args:
        ids: new tokens only, without those of the prompt; after the end anything may follow.
    """
    stopped = tokenizer.eos_token_id in ids
    ids = ids[: ids.index(tokenizer.eos_token_id)] if stopped else ids
    return Completion(tokenizer.decode(ids).strip(), len(ids), stopped)
