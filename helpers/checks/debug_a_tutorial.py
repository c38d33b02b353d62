"""Checks of the exercises in notebooks/08_debug_a_tutorial.ipynb."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from helpers.checks import check
from helpers.checks.training_loop import END, toy_model, toy_rows
from helpers.training import IGNORE_INDEX

PAD = END  # as in the course's model: the end token pads


@check
def check_printed_loss(printed_loss: Callable) -> str | None:
    """Exercise 8.1: tokens and NLL by role -> the mean over all targets."""
    cases = [
        (
            {"prompt": 20.0, "completion": 40.0, "end": 1.0, "padding": 451.0},
            {"prompt": 3.0, "completion": 1.5, "end": 4.0, "padding": 0.01},
        ),
        (
            {"prompt": 0.0, "completion": 30.0, "end": 1.0, "padding": 0.0},
            {"completion": 0.8, "end": 0.2},
        ),
        ({"question": 5.0, "answer": 15.0}, {"question": 2.0, "answer": 1.0}),
    ]
    for tokens, nll in cases:
        found = printed_loss(dict(tokens), dict(nll))
        if not isinstance(found, int | float):
            return f"return one number, not {type(found).__name__}"
        used = [role for role, count in tokens.items() if count]
        total = sum(tokens[role] * nll[role] for role in used)
        targets = sum(tokens[role] for role in used)
        if math.isclose(found, total / targets, rel_tol=1e-6):
            continue
        text = [role for role in used if role != "padding"]
        mistakes = {
            "a mean of the roles' means: one end token weighs as much as all the padding": (
                sum(nll[role] for role in used) / len(used)
            ),
            "this is the sum over the targets, not their mean": total,
            "the padding is left out: it carries loss here, and the trainer counts it": (
                sum(tokens[r] * nll[r] for r in text) / max(1, sum(tokens[r] for r in text))
            ),
            "this is the completion's NLL: the trainer prints the mean over all targets": (
                nll.get("completion")
            ),
            "divided by the number of roles: divide by the number of targets": total / len(used),
        }
        for sentence, value in mistakes.items():
            if value is not None and math.isclose(found, value, rel_tol=1e-6):
                return sentence
        return f"for {tokens} and {nll} the printed loss is {total / targets:.4f}"
    return None


def sent_batch() -> dict[str, Tensor]:
    """A toy batch with the three defects of the second script: three rows, padded on the left."""
    rows = [([5, 6, 7], [8, 9]), ([5, 7], [3, 4, 8, 9, 6]), ([6], [3])]
    width = max(len(prompt) + len(text) + 1 for prompt, text in rows)
    batch = {"input_ids": [], "attention_mask": [], "labels": [], "position_ids": []}
    for prompt, text in rows:
        ids = [*prompt, *text, PAD]
        padding = width - len(ids)
        wanted = [True] * padding + [False] * (len(prompt) - 1) + [True] * (len(text) + 1)
        row = [PAD] * padding + ids
        labels = [i if w else IGNORE_INDEX for i, w in zip(row, [*wanted, False], strict=True)]
        batch["input_ids"].append(row)
        batch["attention_mask"].append([0] * padding + [1] * len(ids))
        batch["labels"].append(labels)
        batch["position_ids"].append(list(range(width)))
    return {name: torch.tensor(values) for name, values in batch.items()}


@check
def check_repair(repair: Callable) -> str | None:
    """Exercise 8.2: a batch of the second script -> right labels and positions."""
    batch, given = sent_batch(), sent_batch()
    found = repair(given)
    if any(not torch.equal(given[name], batch[name]) for name in batch):
        return "the batch that was given has changed: work on a copy (clone())"
    if not isinstance(found, dict) or set(found) != set(batch):
        return f"return a dictionary with {', '.join(batch)}"
    for name in batch:
        if not isinstance(found[name], Tensor) or found[name].shape != batch[name].shape:
            return f"{name} has to be a tensor of shape {tuple(batch[name].shape)}"
    for name in ("input_ids", "attention_mask"):
        if not torch.equal(found[name], batch[name]):
            return f"{name} is right as it was sent; leave it"
    return _wrong_labels(batch, found["labels"]) or _wrong_positions(batch, found["position_ids"])


def _wrong_labels(batch: dict[str, Tensor], labels: Tensor) -> str | None:
    ids, real = batch["input_ids"], batch["attention_mask"].bool()
    carries = labels != IGNORE_INDEX
    sent = (batch["labels"] != IGNORE_INDEX) & real
    right = sent.roll(1, dims=1) & real
    if (carries & (labels != ids)).any():
        return "a label names another token than stands at its place: labels are not shifted here"
    if torch.equal(carries, right):
        return None
    if (carries & ~real).any():
        return "padding still carries loss: the attention mask knows which tokens are padding"
    if not carries.any():
        return "nothing carries loss any more"
    if torch.equal(carries, right & (ids != PAD)):
        return "the end token is lost: padding has the same id, so it can't be masked by its id"
    if torch.equal(carries, (batch["labels"] != IGNORE_INDEX).roll(1, dims=1) & real):
        return (
            "moved before the padding's labels were taken out: the last of them has landed on the "
            "first token of the prompt"
        )
    if torch.equal(carries, sent):
        return "the labels still begin one place too early: the end token carries no loss"
    if torch.equal(carries, sent.roll(-1, dims=1) & real):
        return "moved the wrong way: the labels stood too early, and now two places"
    if torch.equal(carries, sent | right):
        return "the end is trained now, and so is the prompt's last token, still"
    if torch.equal(carries, real & ~right):
        return "the mask is inverted: the prompt is trained, the completion is not"
    if torch.equal(carries, real):
        return "the whole row is trained, the prompt too"
    return "some completion or end token has no label, or some token of a prompt has one"


def _wrong_positions(batch: dict[str, Tensor], positions: Tensor) -> str | None:
    mask = batch["attention_mask"]
    real = mask.bool()
    right = mask.cumsum(1) - 1
    if torch.equal(positions[real], right[real]):
        if (positions < 0).any():
            return "some position at the padding is negative: no model has a vector for it"
        return None
    if torch.equal(positions, batch["position_ids"]):
        return "the positions are as they were sent: they count the padding"
    if torch.equal(positions[real], right[real] + 1):
        return "the first real token has position 1: count from 0"
    return "the positions do not count 0, 1, 2, ... from each row's first real token"


def toy_ids() -> list[list[int]]:
    """Four toy rows of different lengths."""
    return [row.input_ids for row in toy_rows()]


@torch.no_grad()
def toy_nll(input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """What each token costs a small random model after those before it: (B, T - 1) nats."""
    logits = toy_model().eval()(input_ids=input_ids, attention_mask=attention_mask).logits
    return cross_entropy(logits[:, :-1].transpose(1, 2), input_ids[:, 1:], reduction="none")


@check
def check_mask_effect(mask_effect: Callable) -> str | None:
    """Exercise 8.3: (nll_of, rows, pad) -> the mask's effect, padded right and left."""
    asked: list[tuple[Tensor, Tensor]] = []

    def nll_of(input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        asked.append((input_ids.clone(), attention_mask.clone()))
        return toy_nll(input_ids, attention_mask)

    found = mask_effect(nll_of, toy_ids(), PAD)
    if not isinstance(found, dict) or set(found) != {"right", "left"}:
        return 'return {"right": ..., "left": ...}'
    if not asked:
        return "no model was asked: the numbers have to come from nll_of(input_ids, mask)"
    sides = {"right": _padded("right"), "left": _padded("left")}
    for side, (ids, mask) in sides.items():
        if any(_same(one, (ids, (ids != PAD).long())) for one in asked):
            return "the mask was made by the token's id: the end token has it, too, and is real"
        for name, wanted in (("the rows' own mask", mask), ("a mask of ones", mask * 0 + 1)):
            if not any(_same(one, (ids, wanted)) for one in asked):
                return (
                    f"padded on the {side}, {name} was not tried: the two runs are the comparison"
                )
    right = {side: _largest(*batch, real_only=True) for side, batch in sides.items()}
    if all(math.isclose(found[side], right[side], abs_tol=1e-5) for side in right):
        return None
    every = {side: _largest(*batch, real_only=False) for side, batch in sides.items()}
    if all(math.isclose(found[side], every[side], abs_tol=1e-5) for side in right):
        return "padding is counted, too: what it costs is nobody's loss; take real tokens only"
    if math.isclose(found["left"], right["right"], abs_tol=1e-5):
        return "the two sides are swapped"
    if math.isclose(found["right"], right["right"], abs_tol=1e-5):
        return "left: take the largest change of a real token that has a real token before it"
    return "right: not the largest change of a real token between the two masks"


def _padded(side: str) -> tuple[Tensor, Tensor]:
    rows = toy_ids()
    width = max(map(len, rows))
    ids, mask = [], []
    for row in rows:
        fill, real = [PAD] * (width - len(row)), [1] * len(row)
        ids.append(row + fill if side == "right" else fill + row)
        mask.append(real + [0] * len(fill) if side == "right" else [0] * len(fill) + real)
    return torch.tensor(ids), torch.tensor(mask)


def _same(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> bool:
    return all(a.shape == b.shape and torch.equal(a, b) for a, b in zip(one, other, strict=True))


def _largest(ids: Tensor, mask: Tensor, real_only: bool) -> float:
    change = (toy_nll(ids, mask) - toy_nll(ids, torch.ones_like(mask))).abs()
    counted = (mask[:, :-1] * mask[:, 1:]).bool() if real_only else torch.ones_like(change).bool()
    return change[counted].max().item()
