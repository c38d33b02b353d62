"""Checks for notebooks/05_training_loop.ipynb."""

import math
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import GPT2Config, GPT2LMHeadModel

from helpers.checks import check
from helpers.training import IGNORE_INDEX, Example, collate, target_nll


def _close(a: Tensor, b: Tensor) -> bool:
    """Whatever the precision that an answer computes in."""
    return a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-4, atol=1e-6)


@check
def check_completion_loss(completion_loss: Callable[[Tensor, Tensor], Tensor]) -> str | None:
    """Exercise 5.1: (logits, labels) -> mean NLL of the targets, with a graph behind it."""
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(2, 7, 9, generator=generator)  # (B, T, V)
    ids = torch.randint(9, (2, 7), generator=generator)
    labels = ids.clone()
    labels[0, :2] = IGNORE_INDEX  # a prompt of 2, five targets
    labels[1, :3], labels[1, 5:] = IGNORE_INDEX, IGNORE_INDEX  # prompt, two targets, padding
    found = completion_loss(logits.clone().requires_grad_(), labels.clone())
    if not torch.is_tensor(found):
        return f"return the loss as a tensor of torch, not {found!r}: backward() starts there"
    if found.numel() != 1:
        return f"the loss is one number; yours has the shape {tuple(found.shape)}"
    if not found.requires_grad:
        return "the loss has no graph behind it, so backward() has nothing to follow"

    cut, targets = logits[:, :-1], labels[:, 1:]
    nll = cross_entropy(cut.transpose(1, 2), targets, reduction="none")  # (B, T-1), 0 where masked
    counts = (targets != IGNORE_INDEX).sum(1)
    right = nll.sum() / counts.sum()
    if _close(found.reshape(()), right):
        return None
    at_target = cut.gather(-1, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    no_mask = cross_entropy(cut.transpose(1, 2), targets.clamp(min=0), reduction="none")
    mistakes = {
        "no shift: position t is asked for the token that it has just read, not for the next": (
            cross_entropy(logits.flatten(0, 1), labels.flatten())
        ),
        "shifted the wrong way: position t is asked for the token before it": (
            cross_entropy(logits[:, 1:].flatten(0, 1), labels[:, :-1].flatten())
        ),
        "the mask is missing: positions with IGNORE_INDEX are scored": no_mask.mean(),
        "the mask is inverted: what has no label is scored": (
            no_mask[targets == IGNORE_INDEX].mean()
        ),
        "divided by all positions: only those with a label count": nll.mean(),
        "a mean of the rows' means: every target of the batch has to weigh the same": (
            (nll.sum(1) / counts).mean()
        ),
        "this is the sum over the targets, not their mean": nll.sum(),
        "the sign is missing: a likelihood below 1 has a negative logarithm": -right,
        "the softmax is missing: these are logits, not logarithms of probabilities": (
            -at_target[targets != IGNORE_INDEX].mean()
        ),
        "the softmax is taken twice: cross_entropy wants logits, and takes it itself": (
            cross_entropy(cut.softmax(-1).transpose(1, 2), targets)
        ),
        "the logarithm is missing: these are probabilities": (
            -nll[targets != IGNORE_INDEX].neg().exp().mean()
        ),
        "these are bits (logarithm to base 2), not nats": right / math.log(2),
        "this is the perplexity, exp of the loss": right.exp(),
    }
    for sentence, value in mistakes.items():
        if _close(found.reshape(()), value):
            return sentence
    return "not the mean NLL of the targets, and none of the usual mistakes either"


def _toy_accumulation() -> tuple[Tensor, list[Tensor]]:
    weight = torch.tensor([0.3, -0.2, 0.5], requires_grad=True)
    rows = torch.tensor(
        [[1.0, 2, 0], [0, 1, 1], [2, 0, 1], [1, 1, 3], [3, 1, 0], [0, 2, 2], [1, 0, 2]]
    )
    return weight, list(rows.split([1, 4, 2]))


def _gradient(losses: Callable[[list[Tensor], int], list[Tensor]]) -> Tensor:
    weight, batches = _toy_accumulation()
    nlls = [(batch @ weight).exp() for batch in batches]
    sum(losses(nlls, sum(map(len, batches)))).backward()
    return weight.grad


@check
def check_accumulate(accumulate: Callable) -> str | None:
    """Exercise 5.2: (nll_of, micro_batches, targets) -> loss, with the gradient left in .grad."""
    weight, batches = _toy_accumulation()
    targets, events = sum(map(len, batches)), []

    def nll_of(batch: Tensor) -> Tensor:
        number = len([event for event in events if event == "forward"])
        events.append("forward")
        nll = (batch @ weight).exp()
        nll.register_hook(lambda _: events.append(f"backward {number}"))
        return nll

    loss = accumulate(nll_of, list(batches), targets)
    with torch.no_grad():
        nlls = [(batch @ weight).exp() for batch in batches]
    if weight.grad is None:
        return "no gradient was made: each micro-batch needs its own backward()"
    right = _gradient(lambda nlls, n: [nll.sum() / n for nll in nlls])
    if not _close(weight.grad, right):
        mistakes = {
            "a mean of means: a target of a short micro-batch weighs more than one of a long": (
                lambda nlls, n: [nll.mean() / len(nlls) for nll in nlls]
            ),
            "the means are added up and not divided: the gradient is about 3 times too long": (
                lambda nlls, n: [nll.mean() for nll in nlls]
            ),
            "the sums are not divided by the number of targets": (
                lambda nlls, n: [nll.sum() for nll in nlls]
            ),
            "divided twice: by the number of targets and by the number of micro-batches": (
                lambda nlls, n: [nll.sum() / n / len(nlls) for nll in nlls]
            ),
            "only the last micro-batch counts: the others have left no gradient": lambda nlls, n: [
                nlls[-1].sum() / n
            ],
            "only the mean of the last micro-batch was followed by backward()": (
                lambda nlls, n: [nlls[-1].mean()]
            ),
            "only the first micro-batch has left a gradient": lambda nlls, n: [nlls[0].sum() / n],
        }
        for sentence, losses in mistakes.items():
            if _close(weight.grad, _gradient(losses)):
                return sentence
        return "the gradient is not that of the mean over all targets"
    if events.count("forward") < len(batches):
        return "all rows went through at once: that is the large batch, which does not fit"
    if events.count("forward") > len(batches):
        return "some micro-batch went through the model more than once"
    if events[1::2] != [f"backward {i}" for i in range(len(batches))]:
        return (
            "the gradient is right, but a forward comes before the backward of the micro-batch "
            "before it: two graphs are in memory at once"
        )
    if not isinstance(loss, float):
        return f"return the loss as a number (item() gives it), not {type(loss).__name__}"
    mean = (torch.cat(nlls).sum() / targets).item()
    if not math.isclose(loss, mean, rel_tol=1e-4):
        return f"the gradient is right; the loss of the step is {mean:.3f}, and yours {loss:.3f}"
    return None


BUGS = (
    "no shift",
    "no zero_grad",
    "padding in the loss",
    "mask inverted",
    "end token lost",
    "parts not divided",
)
_WANTED = dict(zip("ABCD", ("parts not divided", "no shift", "end token lost"), strict=False))
_WANTED["D"] = "padding in the loss"
_WHY = {  # what any other answer leaves unexplained
    "A": "the texts are fine, so the model learns; the printed number alone is off, by a factor",
    "B": "the loss starts above blind guessing, so the model is asked for a token that it would "
    "never write there, and one that is learnt fast",
    "C": "every token but one seems to be learnt; which one is missing?",
    "D": "the first loss is far below the validation NLL: something in these wide rows is easy",
}
_SPECIAL = {
    ("A", "no shift"): "A: without the shift the texts would be broken, and these are fine",
    ("A", "no zero_grad"): "A: old gradients do not change the first loss, and that is off already",
    ("B", "padding in the loss"): (
        "B: padding lowers the loss from the first step on; this one starts above blind guessing"
    ),
    ("B", "parts not divided"): "B: a loss of wrong scale stays too high, and the texts are fine",
    ("C", "mask inverted"): "C: with the completion hidden, its validation NLL would not fall",
    ("C", "padding in the loss"): "C: trained on padding, a model sees far too many ends",
    ("D", "end token lost"): "D: one token a row can't lower the mean so far",
    ("D", "no shift"): "D: without the shift the first loss would be high and the texts broken",
}


@check
def check_name_bug(name_bug: Callable[[str], str]) -> str | None:
    """Exercise 5.3: case -> name of the bug."""
    found = {case: name_bug(case) for case in _WANTED}
    for case, name in found.items():
        if not isinstance(name, str):
            return f"{case}: the name of a bug is a text, not {name!r}"
        if name not in BUGS:
            return f"{case}: the table has no bug {name!r}; it has {', '.join(map(repr, BUGS))}"
    for case, name in found.items():
        if name != _WANTED[case]:
            return _SPECIAL.get((case, name)) or f"{case}: not {name!r}. Look again: {_WHY[case]}"
    return None


TOY = (
    "mug : it is red and tall . it holds hot tea .",
    "lamp : it is blue . it runs all night .",
    "mat : this one is soft and green . it folds flat .",
    "pen : in black . it writes well and never leaks .",
)
TOY_WORDS = ("<end>", *sorted(set(" ".join(TOY).split())))
END, FULL_STOP = 0, TOY_WORDS.index(".")


def toy_rows() -> tuple[Example, ...]:
    """Four rows: two prompt tokens, two sentences, the end."""
    ids = [[*map(TOY_WORDS.index, text.split()), END] for text in TOY]
    return tuple(Example(row, [IGNORE_INDEX] * 2 + row[2:]) for row in ids)


def toy_model() -> GPT2LMHeadModel:
    """A random model of one layer without dropout, always the same."""
    size = {"n_positions": 32, "n_embd": 32, "n_layer": 1, "n_head": 2}
    no_dropout = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    ends = {"bos_token_id": END, "eos_token_id": END}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return GPT2LMHeadModel(GPT2Config(vocab_size=len(TOY_WORDS), **size, **no_dropout, **ends))


@cache
def toy_run(rows: tuple, steps: int = 60) -> list[list[int]]:
    """What a new toy model, trained on the rows, writes after each prompt of the toy rows."""
    model = toy_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.0)
    batch = collate([Example(list(ids), list(labels)) for ids, labels in rows], END)
    for _ in range(steps):
        target_nll(model, batch).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    texts = [row.input_ids[:2] for row in toy_rows()]
    for ids in texts:
        while len(ids) < 20 and ids[-1] != END:
            ids.append(model(torch.tensor([ids])).logits[0, -1].argmax().item())
    return [ids[2:] for ids in texts]


def _frozen(rows: list) -> tuple:
    return tuple((tuple(ids), tuple(labels)) for ids, labels in rows)


def _shares(texts: list[list[int]]) -> tuple[float, float]:
    full_stops = sum(ids.count(FULL_STOP) for ids in texts)
    return full_stops / len(texts), sum(END in ids for ids in texts) / len(texts)


def _not_early(rows: tuple, texts: list[list[int]]) -> str | None:
    """What keeps these texts from being the first sentence, whole, and the end."""
    firsts = [row.input_ids[2 : row.input_ids.index(FULL_STOP) + 1] for row in toy_rows()]
    if texts == [[*first, END] for first in firsts]:
        return None
    if not any(END in ids for ids, _ in rows):
        return "the changed rows have lost their end token, so the model writes on to the limit"
    if not any(END in labels for _, labels in rows):
        return "no end token carries loss in the changed rows: nothing teaches the model to stop"
    if texts == [[*first[:-1], END] for first in firsts]:
        return "it stops before the full stop: that is less than a sentence"
    if all(ids.count(FULL_STOP) == 2 for ids in texts):
        return "the model still writes both sentences"
    if [ids for ids, _ in rows] == [tuple(row.input_ids) for row in toy_rows()]:
        return (
            "hiding the second sentence from the loss does not end the text: the output after the "
            "first full stop is trained on nothing, and the end still follows the second sentence"
        )
    if any(text[: len(first)] != first for text, first in zip(texts, firsts, strict=True)):
        return "what the model writes is not the first sentence of the row any more"
    return "some texts are not one whole sentence with the end right after it"


def _misread(found: dict, texts: dict[str, list[list[int]]]) -> str | None:
    """Whether the returned numbers are those of the runs."""
    right = {name: _shares(written) for name, written in texts.items()}

    def same(name: str, numbers: tuple[float, float]) -> bool:
        return all(math.isclose(a, b) for a, b in zip(found[name], numbers, strict=True))

    if all(same(name, right[name]) for name in right):
        return None
    if same("control", right["early"]) and same("early", right["control"]):
        return "the two runs are swapped: the control is the one on the rows as they are"
    if all(same(name, tuple(reversed(right[name]))) for name in right):
        return "the two numbers are swapped: first the sentences a text, then the share that stops"
    if all(same(name, tuple(len(TOY) * x for x in right[name])) for name in right):
        return "these are sums over the texts; divide by their number"
    wrong = next(name for name in right if not same(name, right[name]))
    return f"the numbers of {wrong!r} are not those of its run: count again what the model wrote"


@check
def check_stop_early(stop_early: Callable) -> str | None:
    """Exercise 5.4: (run, rows, full_stop, end) -> sentences and stops, of control and change."""
    runs = {}

    def run(rows: list) -> list[list[int]]:
        changed = _frozen(rows)
        runs.pop(changed, None)  # the last run counts
        runs[changed] = toy_run(changed)
        return [list(ids) for ids in runs[changed]]

    given = [Example(list(ids), list(labels)) for ids, labels in toy_rows()]
    found = stop_early(run, given, FULL_STOP, END)
    if not isinstance(found, dict) or set(found) != {"control", "early"}:
        return 'return {"control": (sentences, stopped), "early": (sentences, stopped)}'
    if not runs:
        return "no model was trained: the numbers have to come from run(rows)"
    as_they_are = _frozen(toy_rows())
    if as_they_are not in runs:
        return "there is no control: run the rows as they are, too (a copy is changed, not they)"
    others = [rows for rows in runs if rows != as_they_are]
    if not others:
        return "only the rows as they are were run: where is the change?"
    texts = {"control": runs[as_they_are], "early": runs[others[-1]]}
    return _not_early(others[-1], texts["early"]) or _misread(found, texts)
