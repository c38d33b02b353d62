"""Descriptions from a model, in batches, greedily."""

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
) -> list[Completion]:
    """The most likely next token, again and again, until the end token or the limit.

    Args:
        prompts: any number of texts; each is completed as it stands.
        max_new_tokens: limit of one completion, in tokens.
        batch_size: prompts at once; prompts of like length share a batch.

    Returns:
        One Completion a prompt, in the order of the prompts.

    Source: notebooks/06_sft_trainer.ipynb, section 6.2.
    """
    was_training = model.training
    model.eval()
    done: dict[int, Completion] = {}
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        # Padding on the left: the text to go on from must stand last in every row.
        batch = tokenizer(
            [prompts[i] for i in chosen], padding=True, padding_side="left", return_tensors="pt"
        )
        output = model.generate(
            **batch,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        for i, ids in zip(chosen, output[:, batch["input_ids"].shape[1] :].tolist(), strict=True):
            stopped = tokenizer.eos_token_id in ids
            ids = ids[: ids.index(tokenizer.eos_token_id)] if stopped else ids
            done[i] = Completion(tokenizer.decode(ids).strip(), len(ids), stopped)
    model.train(was_training)
    return [done[i] for i in range(len(prompts))]
