"""What a written completion costs a model, row by row, and the same cost per byte of text."""

import math

import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers.training import IGNORE_INDEX, Example, collate, encode, target_nll


def completion_nll(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[str],
    completions: list[str],
    batch_size: int = 16,
) -> pd.DataFrame:
    """Cost of each completion after its prompt, its end token included.

    Args:
        prompts: texts that the model is given.
        completions: as many texts that it would have to write, as they stand (a first space
            counts); the end token is added here.
        batch_size: rows at once; rows of like length share a batch.

    Returns:
        One row a completion, in the order given: `nll` in nats, summed over all targets; `tokens`,
        the number of targets (so with the end token); `bytes` of the completion in UTF-8 (the end
        token has none).

    Raises:
        ValueError: the lists differ in length, or a prompt's tokens change when its completion
            follows (see helpers.training.encode).

    Source: notebooks/04_choosing_a_model.ipynb, section 4.2 (as `row_costs`).
    """
    examples = [encode(tokenizer, *pair) for pair in zip(prompts, completions, strict=True)]
    pad = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    cost = summed_nll(model, examples, pad, batch_size)
    targets = [_targets(example) for example in examples]
    sizes = [len(completion.encode("utf-8")) for completion in completions]
    return pd.DataFrame({"nll": cost, "tokens": targets, "bytes": sizes})


@torch.no_grad()
def summed_nll(
    model: PreTrainedModel, examples: list[Example], pad_token_id: int, batch_size: int = 16
) -> list[float]:
    """Nats of each row's targets together, in the order given.

    Args:
        examples: rows as tokens and labels, each with at least one target.
        batch_size: rows at once; rows of like length share a batch.

    Source: notebooks/04_choosing_a_model.ipynb, section 4.2 (in `row_costs`).
    """
    cost = [0.0] * len(examples)
    was_training = model.training
    model.eval()
    order = sorted(range(len(examples)), key=lambda i: len(examples[i].input_ids))
    for start in range(0, len(order), batch_size):
        rows = [examples[i] for i in order[start : start + batch_size]]
        nll = target_nll(model, collate(rows, pad_token_id)).double()
        parts = nll.split([_targets(row) for row in rows])
        for i, part in zip(order[start : start + batch_size], parts, strict=True):
            cost[i] = part.sum().item()
    model.train(was_training)
    return cost


def _targets(example: Example) -> int:
    return sum(label != IGNORE_INDEX for label in example.labels[1:])  # nothing asks for the first


def bits_per_byte(nll_sum: float, bytes: int) -> float:
    """Cost of a text in bits per byte: comparable between models with other tokenizers.

    Args:
        nll_sum: nats, summed over all tokens of the text and its end (not their mean).
        bytes: length of the same text in UTF-8, without the end token.

    Source: notebooks/04_choosing_a_model.ipynb, section 4.4.
    """
    return nll_sum / math.log(2) / bytes
