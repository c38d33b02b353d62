"""The training loop of notebook 05: completions carry the loss, vocabulary logits only there."""

import math
import random
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers.target_logits import logits_at
from helpers.tokenizer_checks import why_tokens_change

IGNORE_INDEX = -100  # a label that the loss leaves out
NO_TARGET = "no token of these rows carries loss: every label is IGNORE_INDEX"


class Example(NamedTuple):
    """One row as tokens: prompt, completion, end token."""

    input_ids: list[int]
    labels: list[int]  # IGNORE_INDEX over the prompt


class Step(NamedTuple):
    """What one optimizer step did."""

    number: int  # from 1
    loss: float  # nats per token with a label, before the step
    grad_norm: float  # before clipping
    tokens: int  # real tokens that were read, without padding
    targets: int  # tokens with a label


def encode(tokenizer: PreTrainedTokenizerBase, prompt: str, completion: str) -> Example:
    """Prompt and completion as one row of tokens; only the completion and its end have labels.

    Raises:
        ValueError: the prompt's tokens change when the completion follows, so that the model
            would be asked with other tokens than it was trained on; says what changes them.

    Source: notebooks/03_tokenization.ipynb, section 3.3.
    """
    prompt_ids = tokenizer(prompt)["input_ids"]
    input_ids = tokenizer(prompt + completion)["input_ids"]
    if input_ids[: len(prompt_ids)] != prompt_ids:
        raise ValueError(why_tokens_change(tokenizer, prompt, prompt_ids))
    input_ids = [*input_ids, tokenizer.eos_token_id]
    return Example(input_ids, [IGNORE_INDEX] * len(prompt_ids) + input_ids[len(prompt_ids) :])


def collate(examples: list[Example], pad_token_id: int) -> dict[str, Tensor]:
    """Pad rows on the right to the longest of them.

    Returns:
        input_ids, attention_mask, labels: each (B, T) int; padding has no attention and no label.

    Source: notebooks/03_tokenization.ipynb, section 3.4.
    """
    width = max(len(example.input_ids) for example in examples)
    batch = {"input_ids": [], "attention_mask": [], "labels": []}
    for input_ids, labels in examples:
        padding = width - len(input_ids)
        batch["input_ids"].append(input_ids + [pad_token_id] * padding)
        batch["attention_mask"].append([1] * len(input_ids) + [0] * padding)
        batch["labels"].append(labels + [IGNORE_INDEX] * padding)
    return {name: torch.tensor(rows) for name, rows in batch.items()}


def target_nll(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
    """Negative log-likelihood of every target of a batch.

    Logits are made only where a label follows: the mean is the library's `model(**batch).loss`,
    at a fraction of its cost.

    Args:
        batch: input_ids, attention_mask, labels, each (B, T).

    Returns:
        (number of targets,) float, in nats, row after row.

    Raises:
        ModelError: logits can't be had at these positions alone.

    Source: notebooks/05_training_loop.ipynb, section 5.1, which projects the hidden states itself.
    """
    targets = batch["labels"][:, 1:]  # (B, T-1): position t is asked for token t + 1
    carries_loss = targets != IGNORE_INDEX
    logits = logits_at(model, batch, carries_loss)
    return cross_entropy(logits.float(), targets[carries_loss], reduction="none")


@torch.no_grad()
def mean_nll(
    model: PreTrainedModel, examples: list[Example], pad_token_id: int, batch_size: int = 16
) -> float:
    """Mean over all targets of all examples, in nats per token.

    Raises:
        ValueError: no token carries loss (a mean over nothing is nan).

    Source: notebooks/05_training_loop.ipynb, section 5.7.
    """
    was_training = model.training
    model.eval()
    total = count = 0
    for start in range(0, len(examples), batch_size):
        nll = target_nll(model, collate(examples[start : start + batch_size], pad_token_id))
        total, count = total + nll.sum().item(), count + len(nll)
    model.train(was_training)
    if not count:
        raise ValueError(NO_TARGET)
    return total / count


def rate_share(step: int, steps: int, warmup: int) -> float:
    """Share of the peak rate at a step counted from 0: up to 1 at `warmup`, then down to 0.

    Source: notebooks/05_training_loop.ipynb, section 5.4; transformers' "linear" schedule.
    """
    return step / warmup if step < warmup else (steps - step) / max(1, steps - warmup)


def optimizer_of(
    weights: list[torch.nn.Parameter], learning_rate: float, steps: int
) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.LambdaLR]:
    """AdamW for these weights, and its rate: it rises over 5 % of the steps, then falls to 0.

    Args:
        learning_rate: its peak.
        steps: optimizer steps of the whole run.

    Source: notebooks/05_training_loop.ipynb, section 5.7.
    """
    warmup = max(1, math.ceil(0.05 * steps))
    optimizer = torch.optim.AdamW(
        weights, lr=learning_rate, betas=(0.9, 0.95), weight_decay=0.0, fused=True
    )
    return optimizer, torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: rate_share(step, steps, warmup)
    )


def train(
    model: PreTrainedModel,
    examples: list[Example],
    pad_token_id: int,
    *,
    learning_rate: float,
    epochs: int = 1,
    batch_size: int = 8,
    accumulation: int = 1,
    max_steps: int | None = None,
    seed: int = 0,
    bf16: bool,
) -> Iterator[Step]:
    """Fine-tune all weights in place; one Step is yielded after each optimizer step.

    Args:
        learning_rate: its peak, after a warm-up over 5 % of the steps; then it falls linearly.
        batch_size: rows at once (a micro-batch).
        accumulation: micro-batches per optimizer step.
        max_steps: stop after so many, with the schedule made for them; passes repeat as needed.
        bf16: matrix products in bfloat16 (weights, gradients and moments stay float32), or all
            in float32. helpers.precision says which is faster on this machine.

    Raises:
        ValueError: no token of a step carries loss.

    Source: notebooks/05_training_loop.ipynb, section 5.7.
    """
    steps_a_pass = math.ceil(len(examples) / (batch_size * accumulation))
    steps = max_steps or epochs * steps_a_pass
    optimizer, schedule = optimizer_of(list(model.parameters()), learning_rate, steps)
    order = random.Random(seed)
    model.train()
    number = 0
    while number < steps:
        rows = order.sample(examples, len(examples))
        for start in range(0, len(rows), batch_size * accumulation):
            group = rows[start : start + batch_size * accumulation]
            targets = sum(label != IGNORE_INDEX for _, labels in group for label in labels[1:])
            if not targets:
                raise ValueError(NO_TARGET)
            loss = 0.0
            for i in range(0, len(group), batch_size):
                with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                    nll = target_nll(model, collate(group[i : i + batch_size], pad_token_id))
                part = nll.sum() / targets  # over the whole step, not the micro-batch
                part.backward()
                loss += part.item()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            number += 1
            yield Step(number, loss, norm, sum(len(ids) for ids, _ in group), targets)
            if number == steps:
                return
