"""Answers to the exercises of notebooks/05_training_loop.ipynb, right ones and usual mistakes."""

import math
from collections.abc import Callable

import torch
from torch.nn.functional import cross_entropy, log_softmax

from exercises import Exercise
from helpers.checks import training_loop as on_training_loop

IGNORE = -100


def scored(change: Callable) -> Callable:
    """Exercise 5.1 with the right shift; `change` gets each position's NLL and the targets."""

    def completion_loss(logits, labels):
        targets = labels[:, 1:]
        nll = cross_entropy(logits[:, :-1].transpose(1, 2), targets.clamp(min=0), reduction="none")
        return change(nll, targets != IGNORE)

    return completion_loss


def flat(logits, labels):
    return cross_entropy(logits.flatten(0, 1), labels.flatten())


def looped(logits, labels):
    parts = [
        -log_softmax(logits[b, t - 1], -1)[labels[b, t]]
        for b in range(labels.shape[0])
        for t in range(1, labels.shape[1])
        if labels[b, t] != IGNORE
    ]
    return sum(parts) / len(parts)


def no_softmax(logits, labels):
    logits, targets = logits[:, :-1], labels[:, 1:]
    picked = logits.gather(-1, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return -picked[targets != IGNORE].mean()


RIGHT_LOSS = scored(lambda nll, mask: nll[mask].mean())

COMPLETION_LOSS = Exercise(
    on_training_loop.check_completion_loss,
    {
        "cross_entropy": lambda logits, labels: flat(logits[:, :-1], labels[:, 1:]),
        "masked by hand": RIGHT_LOSS,
        "in a loop": looped,
    },
    {
        "no shift": ("no shift: position t", flat),
        "shifted back": (
            "shifted the wrong way",
            lambda logits, labels: flat(logits[:, 1:], labels[:, :-1]),
        ),
        "no mask": ("the mask is missing", scored(lambda nll, mask: nll.mean())),
        "mask inverted": ("the mask is inverted", scored(lambda nll, mask: nll[~mask].mean())),
        "over all positions": (
            "divided by all positions",
            scored(lambda nll, mask: (nll * mask).mean()),
        ),
        "mean of means": (
            "a mean of the rows' means",
            scored(lambda nll, mask: ((nll * mask).sum(1) / mask.sum(1)).mean()),
        ),
        "sum": ("this is the sum", scored(lambda nll, mask: nll[mask].sum())),
        "sign": ("the sign is missing", scored(lambda nll, mask: -nll[mask].mean())),
        "no softmax": ("the softmax is missing", no_softmax),
        "bits": ("these are bits", scored(lambda nll, mask: nll[mask].mean() / math.log(2))),
        "perplexity": ("this is the perplexity", scored(lambda nll, mask: nll[mask].mean().exp())),
        "one a target": ("the loss is one number", scored(lambda nll, mask: nll[mask])),
        "a float": (
            "return the loss as a tensor",
            scored(lambda nll, mask: nll[mask].mean().item()),
        ),
        "detached": ("has no graph behind it", scored(lambda nll, mask: nll[mask].mean().detach())),
        "something else": ("none of the usual mistakes", scored(lambda nll, mask: nll[mask].max())),
    },
)


def adding(part: Callable, returned: Callable | None = None) -> Callable:
    """Exercise 5.2: `part` is what goes into backward(), `returned` makes the result."""

    def accumulate(nll_of, micro_batches, targets):
        total = 0.0
        for batch in micro_batches:
            piece = part(nll_of(batch), targets, len(micro_batches))
            piece.backward()
            total += piece.item()
        return returned(total) if returned else total

    return accumulate


def once_at_the_end(nll_of, micro_batches, targets):
    loss = sum(nll_of(batch).sum() for batch in micro_batches) / targets
    loss.backward()
    return loss.item()


def one_large_batch(nll_of, micro_batches, targets):
    loss = nll_of(torch.cat(micro_batches)).mean()
    loss.backward()
    return loss.item()


def last_only(nll_of, micro_batches, targets):
    for batch in micro_batches:
        loss = nll_of(batch).sum() / targets
    loss.backward()
    return loss.item()


def last_mean_only(nll_of, micro_batches, targets):
    for batch in micro_batches:
        loss = nll_of(batch).mean()
    loss.backward()
    return loss.item()


def first_only(nll_of, micro_batches, targets):
    loss = nll_of(micro_batches[0]).sum() / targets
    loss.backward()
    return loss.item()


def no_backward(nll_of, micro_batches, targets):
    return sum(nll_of(batch).sum().item() for batch in micro_batches) / targets


def twice_through(nll_of, micro_batches, targets):
    total = 0.0
    for batch in micro_batches:
        (nll_of(batch).sum() / targets).backward()
        total += nll_of(batch).sum().item()
    return total / targets


def last_loss(nll_of, micro_batches, targets):
    for batch in micro_batches:
        loss = nll_of(batch).sum() / targets
        loss.backward()
    return loss.item()


def a_tensor(nll_of, micro_batches, targets):
    total = 0.0
    for batch in micro_batches:
        loss = nll_of(batch).sum() / targets
        loss.backward()
        total = total + loss.detach()
    return total


def right_part(nll, targets, batches):
    return nll.sum() / targets


ACCUMULATE = Exercise(
    on_training_loop.check_accumulate,
    {
        "sums": adding(right_part),
        "weighted means": adding(lambda nll, targets, n: nll.mean() * len(nll) / targets),
    },
    {
        "mean of means": ("a mean of means", adding(lambda nll, targets, n: nll.mean() / n)),
        "means added": ("the means are added up", adding(lambda nll, targets, n: nll.mean())),
        "sums added": ("the sums are not divided", adding(lambda nll, targets, n: nll.sum())),
        "divided twice": (
            "divided twice",
            adding(lambda nll, targets, n: nll.sum() / targets / n),
        ),
        "last only": ("only the last micro-batch counts", last_only),
        "last mean only": ("only the mean of the last micro-batch", last_mean_only),
        "first only": ("only the first micro-batch", first_only),
        "squared": (
            "not that of the mean over all targets",
            adding(lambda nll, targets, n: nll.square().sum() / targets),
        ),
        "no backward": ("no gradient was made", no_backward),
        "all at once": ("all rows went through at once", one_large_batch),
        "one backward at the end": ("two graphs are in memory", once_at_the_end),
        "twice through": ("more than once", twice_through),
        "loss of the last part": ("the loss of the step is", last_loss),
        "a tensor": ("return the loss as a number", a_tensor),
    },
)


def clipping(factor: Callable, returned: Callable = lambda norm, limit: norm) -> Callable:
    """Exercise 5.3: all tensors times factor(norm, limit)."""

    def clip(gradients, max_norm):
        norm = sum(gradient.square().sum().item() for gradient in gradients) ** 0.5
        for gradient in gradients:
            gradient.mul_(factor(norm, max_norm))
        return returned(norm, max_norm)

    return clip


def each_on_its_own(gradients, max_norm):
    for gradient in gradients:
        gradient.mul_(min(1.0, max_norm / (gradient.norm().item() + 1e-6)))
    return 7.0


def numbers(gradients, max_norm):
    for gradient in gradients:
        gradient.clamp_(-max_norm, max_norm)
    return 7.0


def not_in_place(gradients, max_norm):
    norm = sum(gradient.square().sum().item() for gradient in gradients) ** 0.5
    gradients = [gradient * min(1.0, max_norm / norm) for gradient in gradients]
    return norm


def by_another_norm(norm_of: Callable) -> Callable:
    def clip(gradients, max_norm):
        norm = norm_of([gradient.norm().item() for gradient in gradients])
        if norm > max_norm:
            for gradient in gradients:
                gradient.mul_(max_norm / norm)
        return norm

    return clip


def by_torch(gradients, max_norm):
    weights = [torch.nn.Parameter(torch.zeros_like(gradient)) for gradient in gradients]
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient
    return torch.nn.utils.clip_grad_norm_(weights, max_norm)


def by_tensors(gradients, max_norm):
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    share = torch.minimum(norm, torch.tensor(max_norm)) / norm  # 0 / 0 for zeros
    for gradient in gradients:
        gradient.mul_(share)
    return norm


def capped(norm, limit):
    return min(1.0, limit / norm) if norm else 1.0


CLIP = Exercise(
    on_training_loop.check_clip,
    {
        "one factor": clipping(capped),
        "by torch": by_torch,
        "of the tensors' norms": by_another_norm(lambda norms: math.hypot(*norms)),
    },
    {
        "each on its own": ("each tensor was cut by its own norm", each_on_its_own),
        "numbers": ("single numbers were cut", numbers),
        "not in place": ("nothing was changed", not_in_place),
        "to length 1": (
            "cut to length 1",
            clipping(lambda norm, limit: min(1.0, 1 / norm) if norm else 1.0),
        ),
        "sum of norms": ("not the sum of the tensors' norms", by_another_norm(sum)),
        "longest tensor": ("not over the longest alone", by_another_norm(max)),
        "squared": (
            "you divided by the sum of squares",
            by_another_norm(lambda norms: sum(norm**2 for norm in norms)),
        ),
        "multiplied": ("multiplied by max_norm", clipping(lambda norm, limit: limit)),
        "halved": ("should have the norm 2 afterwards", clipping(lambda norm, limit: 0.5)),
        "short ones stretched": (
            "shorter than max_norm stays as it is",
            clipping(lambda norm, limit: limit / norm),
        ),
        "zeros": (
            "a gradient of zeros",
            by_tensors,
        ),
        "nothing returned": ("return the norm, too", clipping(capped, lambda norm, limit: None)),
        "norm afterwards": (
            "return the norm before clipping",
            clipping(capped, lambda norm, limit: min(norm, limit)),
        ),
        "squared norm returned": (
            "the norm before clipping is 7, and yours 49",
            clipping(capped, lambda norm, limit: norm**2),
        ),
    },
)


def named(**changes: object) -> Callable:
    """Exercise 5.4 answered right, but for the cases that are given otherwise."""
    answers = {
        "A": "parts not divided",
        "B": "no shift",
        "C": "end token lost",
        "D": "padding in the loss",
    }
    return lambda case: (answers | changes)[case]


NAME_BUG = Exercise(
    on_training_loop.check_name_bug,
    {"by case": named()},
    {
        "A: no shift": ("A: without the shift", named(A="no shift")),
        "A: no zero_grad": ("A: old gradients", named(A="no zero_grad")),
        "A: another": ("A: not mask inverted. Look again", named(A="mask inverted")),
        "B: padding": ("B: padding lowers the loss", named(B="padding in the loss")),
        "B: not divided": ("B: a loss of wrong scale", named(B="parts not divided")),
        "B: another": ("B: not end token lost. Look again", named(B="end token lost")),
        "C: inverted": ("C: with the completion hidden", named(C="mask inverted")),
        "C: padding": ("C: trained on padding", named(C="padding in the loss")),
        "C: another": ("C: not no shift. Look again", named(C="no shift")),
        "D: end lost": ("D: one token a row", named(D="end token lost")),
        "D: no shift": ("D: without the shift the first loss", named(D="no shift")),
        "D: another": ("D: not parts not divided. Look again", named(D="parts not divided")),
        "unknown": ("C: the table has no bug 'overfitting'", named(C="overfitting")),
        "no text": ("D: the name of a bug is a text, not None", named(D=None)),
    },
)

EXERCISES = {
    "05 completion_loss": COMPLETION_LOSS,
    "05 accumulate": ACCUMULATE,
    "05 clip": CLIP,
    "05 name_bug": NAME_BUG,
}
