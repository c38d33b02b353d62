"""Answers to the exercises of notebooks/05_training_loop.ipynb, right ones and usual mistakes."""

import math
from collections.abc import Callable

import torch
from torch.nn.functional import cross_entropy, log_softmax

from exercises import Exercise
from helpers.checks import training_loop as on_training_loop
from helpers.training import Example

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
        "in float64": lambda logits, labels: RIGHT_LOSS(logits.double(), labels),
    },
    {
        "no shift": ("no shift: position t", flat),
        "no shift, in float64": (
            "no shift: position t",
            lambda logits, labels: flat(logits.double(), labels),
        ),
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
        "softmax twice": (
            "the softmax is taken twice",
            lambda logits, labels: flat(logits.softmax(-1)[:, :-1], labels[:, 1:]),
        ),
        "no logarithm": (
            "the logarithm is missing",
            scored(lambda nll, mask: -nll[mask].neg().exp().mean()),
        ),
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


def named(**changes: object) -> Callable:
    """Exercise 5.3 answered right, but for the cases that are given otherwise."""
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
        "A: another": ("A: not 'mask inverted'. Look again", named(A="mask inverted")),
        "B: padding": ("B: padding lowers the loss", named(B="padding in the loss")),
        "B: not divided": ("B: a loss of wrong scale", named(B="parts not divided")),
        "B: another": ("B: not 'end token lost'. Look again", named(B="end token lost")),
        "C: inverted": ("C: with the completion hidden", named(C="mask inverted")),
        "C: padding": ("C: trained on padding", named(C="padding in the loss")),
        "C: another": ("C: not 'no shift'. Look again", named(C="no shift")),
        "D: end lost": ("D: one token a row", named(D="end token lost")),
        "D: no shift": ("D: without the shift the first loss", named(D="no shift")),
        "D: another": ("D: not 'parts not divided'. Look again", named(D="parts not divided")),
        "unknown": ("C: the table has no bug 'overfitting'", named(C="overfitting")),
        "no text": ("D: the name of a bug is a text, not None", named(D=None)),
    },
)


def experiment(change: Callable, read: Callable = lambda control, early: (control, early)):
    """Exercise 5.4: `change` gets a row and the place of its first full stop."""

    def stop_early(run, rows, full_stop, end):
        def shares(rows):
            texts = run(rows)
            sentences = sum(text.count(full_stop) for text in texts) / len(texts)
            return sentences, sum(end in text for text in texts) / len(texts)

        early = [change(*row, row.input_ids.index(full_stop), end) for row in rows]
        control, early = read(shares(rows), shares([Example(*row) for row in early]))
        return {"control": control, "early": early}

    return stop_early


def cut(ids, labels, place, end):
    return [*ids[: place + 1], end], [*labels[: place + 1], end]


def inserted(ids, labels, place, end):
    ids = [*ids[: place + 1], end, *ids[place + 1 :]]
    return ids, [*labels[: place + 1], end, *labels[place + 1 :]]


def no_end(ids, labels, place, end):
    return ids[: place + 1], labels[: place + 1]


def end_without_label(ids, labels, place, end):
    return [*ids[: place + 1], end], [*labels[: place + 1], IGNORE]


def half_a_sentence(ids, labels, place, end):
    return [*ids[:place], end], [*labels[:place], end]


def hidden(ids, labels, place, end):
    return ids, [*labels[: place + 1], *[IGNORE] * (len(ids) - place - 2), end]


def longer(ids, labels, place, end):
    return [*ids, end], [*labels, IGNORE]


def first_word_only(ids, labels, place, end):
    return [*ids[:3], ids[place], end], [*labels[:3], ids[place], end]


def repeated(ids, labels, place, end):
    again = ids[2 : place + 1]
    return [*ids[: place + 1], *again[:2], end], [*labels[: place + 1], *again[:2], end]


def no_runs(run, rows, full_stop, end):
    return {"control": (2.0, 1.0), "early": (1.0, 1.0)}


def no_control(run, rows, full_stop, end):
    run([Example(*cut(*row, row.input_ids.index(full_stop), end)) for row in rows])
    return no_runs(run, rows, full_stop, end)


def in_place(run, rows, full_stop, end):
    for row in rows:
        del row.input_ids[row.input_ids.index(full_stop) + 1 : -1]
        del row.labels[row.labels.index(full_stop) + 1 : -1]
    run(rows)
    run(rows)
    return no_runs(run, rows, full_stop, end)


def only_control(run, rows, full_stop, end):
    run(rows)
    return no_runs(run, rows, full_stop, end)


STOP_EARLY = Exercise(
    on_training_loop.check_stop_early,
    {"cut": experiment(cut), "an end between the sentences": experiment(inserted)},
    {
        "a pair": ('return {"control"', lambda run, rows, full_stop, end: (1.0, 1.0)),
        "no runs": ("no model was trained", no_runs),
        "no control": ("there is no control", no_control),
        "changed in place": ("there is no control", in_place),
        "only the control": ("only the rows as they are", only_control),
        "no end": ("have lost their end token", experiment(no_end)),
        "end not trained": ("no end token carries loss", experiment(end_without_label)),
        "half a sentence": ("less than a sentence", experiment(half_a_sentence)),
        "an end after the end": ("still writes both sentences", experiment(longer)),
        "second sentence hidden": ("hiding the second sentence", experiment(hidden)),
        "first word only": ("is not the first sentence", experiment(first_word_only)),
        "two words more": ("some texts are not one whole sentence", experiment(repeated)),
        "runs swapped": ("the two runs are swapped", experiment(cut, lambda a, b: (b, a))),
        "numbers swapped": (
            "the two numbers are swapped",
            experiment(cut, lambda a, b: (a[::-1], b[::-1])),
        ),
        "sums": (
            "these are sums over the texts",
            experiment(cut, lambda *both: [(4 * a, 4 * b) for a, b in both]),
        ),
        "not measured": (
            "the numbers of 'control' are not those of its run",
            experiment(cut, lambda a, b: ((1.5, 1.0), b)),
        ),
    },
)

EXERCISES = {
    "05 completion_loss": COMPLETION_LOSS,
    "05 accumulate": ACCUMULATE,
    "05 name_bug": NAME_BUG,
    "05 stop_early": STOP_EARLY,
}
