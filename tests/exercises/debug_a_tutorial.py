"""Answers to the exercises of notebooks/08_debug_a_tutorial.ipynb, right ones and mistakes."""

from collections.abc import Callable

import torch

from exercises import Exercise
from helpers.checks import debug_a_tutorial as on_debugging

IGNORE = -100


def printed_loss(tokens, nll):
    total = sum(count * nll[role] for role, count in tokens.items() if count)
    return total / sum(tokens.values())


def used(tokens):
    return [role for role, count in tokens.items() if count]


def without_padding(tokens, nll):
    return printed_loss({role: n for role, n in tokens.items() if role != "padding"}, nll)


PRINTED_LOSS = Exercise(
    on_debugging.check_printed_loss,
    {
        "a sum over roles": printed_loss,
        "shares": lambda tokens, nll: sum(
            tokens[role] / sum(tokens.values()) * nll.get(role, 0.0) for role in tokens
        ),
    },
    {
        "a mean of means": (
            "a mean of the roles' means",
            lambda tokens, nll: sum(nll[r] for r in used(tokens)) / len(used(tokens)),
        ),
        "a sum": (
            "the sum over the targets, not their mean",
            lambda tokens, nll: printed_loss(tokens, nll) * sum(tokens.values()),
        ),
        "no padding": ("the padding is left out", without_padding),
        "the completion's": (
            "this is the completion's NLL",
            lambda tokens, nll: nll["completion"],
        ),
        "by the number of roles": (
            "divided by the number of roles",
            lambda tokens, nll: (
                printed_loss(tokens, nll) * sum(tokens.values()) / len(used(tokens))
            ),
        ),
        "a list": ("return one number, not list", lambda tokens, nll: [printed_loss(tokens, nll)]),
        "half of it": ("the printed loss is", lambda tokens, nll: printed_loss(tokens, nll) / 2),
    },
)


def repaired(
    carries: Callable = lambda sent, real, ids: sent.roll(1, dims=1) & real,
    positions: Callable = lambda batch: (batch["attention_mask"].cumsum(1) - 1).clamp(min=0),
):
    """An answer to exercise 8.2 in which labels or positions may be wrong."""

    def repair(batch):
        ids, real = batch["input_ids"], batch["attention_mask"].bool()
        sent = (batch["labels"] != IGNORE) & real
        labels = ids.masked_fill(~carries(sent, real, ids), IGNORE)
        return {**batch, "labels": labels, "position_ids": positions(batch)}

    return repair


def in_a_loop(batch):
    found = {name: values.clone() for name, values in batch.items()}
    width = batch["input_ids"].shape[1]
    for row in range(len(batch["input_ids"])):
        first = width - int(batch["attention_mask"][row].sum())
        begins = next(t for t in range(first, width) if batch["labels"][row, t] != IGNORE) + 1
        for t in range(width):
            wanted = batch["input_ids"][row, t] if t >= begins else IGNORE
            found["labels"][row, t] = wanted
            found["position_ids"][row, t] = max(0, t - first)
    return found


def in_place(batch):
    batch["labels"][batch["attention_mask"] == 0] = IGNORE
    return repaired()(batch)


def shifted_labels(batch):
    found = repaired()(batch)
    return {**found, "labels": found["labels"].roll(-1, dims=1)}


def rolled_first(batch):
    found = repaired()(batch)
    carries = (batch["labels"] != IGNORE).roll(1, dims=1) & batch["attention_mask"].bool()
    return {**found, "labels": batch["input_ids"].masked_fill(~carries, IGNORE)}


def no_padding_label_but_by_id(sent, real, ids):
    return sent.roll(1, dims=1) & real & (ids != on_debugging.PAD)


REPAIR = Exercise(
    on_debugging.check_repair,
    {"with roll": repaired(), "in a loop": in_a_loop},
    {
        "rolled before masking": (
            "has landed on the first token of the prompt",
            rolled_first,
        ),
        "as it was sent": ("padding still carries loss", dict),
        "padding alone": (
            "still begin one place too early",
            repaired(lambda sent, real, ids: sent),
        ),
        "by its id": ("the end token is lost", repaired(no_padding_label_but_by_id)),
        "the wrong way": (
            "moved the wrong way",
            repaired(lambda sent, real, ids: sent.roll(-1, dims=1) & real),
        ),
        "the end added": (
            "so is the prompt's last token, still",
            repaired(lambda sent, real, ids: sent | (sent.roll(1, dims=1) & real)),
        ),
        "inverted": (
            "the mask is inverted",
            repaired(lambda sent, real, ids: real & ~sent.roll(1, dims=1)),
        ),
        "everything": ("the whole row is trained", repaired(lambda sent, real, ids: real)),
        "nothing": (
            "nothing carries loss any more",
            repaired(lambda sent, real, ids: real & ~real),
        ),
        "half": (
            "some completion or end token has no label",
            repaired(lambda sent, real, ids: sent & sent.roll(2, dims=1)),
        ),
        "labels shifted": ("labels are not shifted here", shifted_labels),
        "in place": ("the batch that was given has changed", in_place),
        "positions as sent": (
            "they count the padding",
            repaired(positions=lambda batch: batch["position_ids"]),
        ),
        "from 1": (
            "count from 0",
            repaired(positions=lambda batch: batch["attention_mask"].cumsum(1)),
        ),
        "negative at padding": (
            "some position at the padding is negative",
            repaired(positions=lambda batch: batch["attention_mask"].cumsum(1) - 1),
        ),
        "all 0": (
            "do not count 0, 1, 2",
            repaired(positions=lambda batch: torch.zeros_like(batch["position_ids"])),
        ),
        "labels only": ("return a dictionary with", lambda batch: {"labels": batch["labels"]}),
        "one row": (
            "has to be a tensor of shape",
            lambda batch: {name: values[0] for name, values in batch.items()},
        ),
        "another mask": (
            "is right as it was sent",
            lambda batch: {
                **repaired()(batch),
                "attention_mask": torch.ones_like(batch["attention_mask"]),
            },
        ),
    },
)


def padded(rows, pad, side):
    width = max(map(len, rows))
    ids, mask = [], []
    for row in rows:
        fill, ones = [pad] * (width - len(row)), [1] * len(row)
        zeros = [0] * len(fill)
        ids.append(row + fill if side == "right" else fill + row)
        mask.append(ones + zeros if side == "right" else zeros + ones)
    return torch.tensor(ids), torch.tensor(mask)


def effect(count: Callable, sides=("right", "left"), masks: Callable = torch.ones_like):
    """An answer to exercise 8.3; `count` reduces the changes, given the mask."""

    def mask_effect(nll_of, rows, pad):
        found = {}
        for side in sides:
            ids, mask = padded(rows, pad, side)
            change = (nll_of(ids, mask) - nll_of(ids, masks(mask))).abs()
            found[side] = float(count(change, mask))
        return {"right": found.get("right", 0.0), "left": found.get("left", 0.0)}

    return mask_effect


def largest(change, mask):
    return change[(mask[:, :-1] * mask[:, 1:]).bool()].max()


def by_id(nll_of, rows, pad):
    found = {}
    for side in ("right", "left"):
        ids, real = padded(rows, pad, side)
        mask = (ids != pad).long()
        change = (nll_of(ids, mask) - nll_of(ids, torch.ones_like(mask))).abs()
        found[side] = float(largest(change, real))
    return found


def swapped(nll_of, rows, pad):
    found = effect(largest)(nll_of, rows, pad)
    return {"right": found["left"], "left": found["right"]}


def invented(nll_of, rows, pad):
    effect(largest)(nll_of, rows, pad)
    return {"right": 0.0, "left": 1.0}


MASK_EFFECT = Exercise(
    on_debugging.check_mask_effect,
    {
        "by indexing": effect(largest),
        "by multiplication": effect(
            lambda change, mask: (change * mask[:, :-1] * mask[:, 1:]).max()
        ),
    },
    {
        "padding counted": ("padding is counted, too", effect(lambda change, mask: change.max())),
        "by id": ("the mask was made by the token's id", by_id),
        "swapped": ("the two sides are swapped", swapped),
        "one side": (
            "padded on the left, the rows' own mask was not tried",
            effect(largest, ["right"]),
        ),
        "no control": (
            "a mask of ones was not tried",
            effect(largest, masks=lambda mask: mask),
        ),
        "guessed": ("no model was asked", lambda nll_of, rows, pad: {"right": 0.0, "left": 1.0}),
        "not the runs' numbers": ("left: take the largest change", invented),
        "one number": ("return {", lambda nll_of, rows, pad: {"left": 1.0}),
    },
)

EXERCISES = {
    "8.1 printed loss": PRINTED_LOSS,
    "8.2 repair": REPAIR,
    "8.3 mask effect": MASK_EFFECT,
}
