"""Notebook 06's recipe, run with notebook 05's loop: passes, rate, rows a step, mean of weights."""

import math
from collections.abc import Iterable, Iterator

import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import training
from helpers.prompts import product_prompt

PASSES, STEP_ROWS, LEARNING_RATE = 3, 8, 1.5e-4  # chosen in 06
CHECKPOINTS, SIXTHS = 3, 6  # the mean is of the last three of six checkpoints


def steps_of(rows: int, passes: int = PASSES, step_rows: int = STEP_ROWS) -> int:
    """Optimizer steps of so many passes over so many rows."""
    return passes * math.ceil(rows / step_rows)


def examples_of(
    tokenizer: PreTrainedTokenizerBase, products: pd.DataFrame
) -> list[training.Example]:
    """Products as rows of tokens: the course's prompt, then the description, which has the labels.

    Source: notebooks/03_tokenization.ipynb, sections 3.2 and 3.3.
    """
    rows = products.to_dict("records")
    return [
        training.encode(tokenizer, product_prompt(row), " " + row["description"]) for row in rows
    ]


def checkpoints_of(steps: int) -> list[int]:
    """The steps, counted from 1, whose weights go into the mean."""
    apart = max(1, steps // SIXTHS)
    return [steps - n * apart for n in reversed(range(CHECKPOINTS)) if steps - n * apart > 0]


def add_to_mean(
    mean: dict[str, torch.Tensor], weights: Iterable[tuple[str, torch.Tensor]], before: int
) -> None:
    """Put a checkpoint's weights into the mean, in place.

    Args:
        mean: name -> mean weight; empty before the first checkpoint.
        weights: name and weight, of this checkpoint.
        before: how many checkpoints are in the mean already.
    """
    for name, weight in weights:
        mean[name] = torch.lerp(mean.get(name, weight), weight, 1 / (before + 1))


def tune(
    model: PreTrainedModel,
    examples: list[training.Example],
    pad_token_id: int,
    *,
    steps: int,
    seed: int,
    bf16: bool,
    learning_rate: float = LEARNING_RATE,
    step_rows: int = STEP_ROWS,
) -> Iterator[training.Step]:
    """Fine-tune in place; after the last step the weights become the mean of late checkpoints.

    Args:
        examples: rows as tokens; passes over them repeat until the steps are made.
        steps: optimizer steps, at least one. Checkpoints stand a sixth of the steps apart (in
            three passes, half a pass), the last one after the last step.
        seed: of the order of the rows.
        bf16: matrix products in bfloat16; see helpers.precision.
        learning_rate: its peak.
        step_rows: rows of one step, all at once.

    Yields:
        One Step after each optimizer step. The mean is taken when all of them have been asked for.

    Source: notebooks/06_sft_trainer.ipynb, section 6.8; the loop of 05, section 5.7.
    """
    kept = checkpoints_of(steps)
    mean: dict[str, torch.Tensor] = {}
    settings = dict(learning_rate=learning_rate, batch_size=step_rows, max_steps=steps)
    for step in training.train(model, examples, pad_token_id, **settings, seed=seed, bf16=bf16):
        if step.number in kept:
            add_to_mean(mean, model.state_dict().items(), kept.index(step.number))
        yield step
    model.load_state_dict(mean)
    model.eval()
