"""Checks of the exercises in notebooks/09_how_much_data.ipynb."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from helpers.checks import check, recorded

FEW, MANY = 32, 64  # rows of the toy job


@check
def check_equal_passes(equal_passes: Callable) -> str | None:
    """Exercise 9.1: passes over few rows that make the steps of many."""
    for case in ((5, 300, 3, 8), (20, 300, 3, 8), (75, 300, 1, 8), (9, 17, 2, 8), (300, 300, 3, 8)):
        rows, than_rows, than_passes, step_rows = case
        found = equal_passes(*case)
        if not isinstance(found, int):
            return f"passes are a whole number, not {found!r}"
        steps, a_pass = than_passes * math.ceil(than_rows / step_rows), math.ceil(rows / step_rows)
        right = math.ceil(steps / a_pass)
        if found == right:
            continue
        mistakes = {
            "as many passes are not as many steps: a pass over few rows is short": than_passes,
            "the ratio of the rows: but a step on a few rows is a step all the same": (
                math.ceil(than_passes * than_rows / rows)
            ),
            "these are steps, not passes": steps,
            "the last, short step of a pass over the many rows is not counted": (
                math.ceil(than_passes * (than_rows // step_rows) / a_pass)
            ),
            "rounded down: so many passes make too few steps": steps // a_pass,
        }
        for sentence, value in mistakes.items():
            if found == value:
                return sentence
        return f"for {case} it is {right} passes, not {found}"
    return None


_READ = {
    "plain": {"NLL": 1.3, "coverage": 0.93, "appeal": 0.3, "ok": 31, "read": 60},
    "witty": {"NLL": 2.4, "coverage": 0.95, "appeal": 0.9, "ok": 8, "read": 60},
    "short": {"NLL": 0.4, "coverage": 0.71, "appeal": 0.2, "ok": 12, "read": 60},
}
_FEW_READ = {
    "plain": {"NLL": 0.9, "coverage": 0.93, "appeal": 0.6, "ok": 6, "read": 10},
    "witty": {"NLL": 0.8, "coverage": 0.97, "appeal": 0.9, "ok": 4, "read": 10},
}
_SHARES = {
    "long": {"NLL": 1.2, "coverage": 0.8, "appeal": 0.4, "ok": 45, "read": 300},
    "terse": {"NLL": 1.0, "coverage": 0.9, "appeal": 0.6, "ok": 40, "read": 50},
    "archaic": {"NLL": 1.4, "coverage": 0.7, "appeal": 0.5, "ok": 1, "read": 50},
}


@check
def check_choose_voice(choose_voice: Callable) -> str | None:
    """Exercise 9.3: voices with their numbers -> the one to train on, or None."""
    for voices, right in ((_READ, "plain"), (_SHARES, "terse"), (_FEW_READ, None)):
        found = choose_voice({name: dict(values) for name, values in voices.items()})
        if found == right:
            continue
        if found is not None and found not in voices:
            return f"there is no voice {found!r}: return one of the names, or None"
        if found is None:
            return f"{' and '.join(voices)} can be told apart: the best two intervals do not meet"
        if right is None:
            return (
                "6 of 10 against 4 of 10: the intervals overlap, so nothing is known yet; return "
                "None and read more"
            )
        mistakes = {
            "the lowest NLL: it is measured on each voice's own texts, so it compares the texts, "
            "not the models": min(voices, key=lambda name: voices[name]["NLL"]),
            "the prettiest: that is what the rows look like, not what the model writes": (
                max(voices, key=lambda name: voices[name]["appeal"])
            ),
            "the best coverage: a text may mention everything and be wrong": (
                max(voices, key=lambda name: voices[name]["coverage"])
            ),
            "the most ok texts, but of more that were read: compare shares": (
                max(voices, key=lambda name: voices[name]["ok"])
            ),
        }
        for sentence, name in mistakes.items():
            if found == name:
                return sentence
        return f"not {found!r}: look at the share of texts that readers found ok"
    return None


def toy_job(features: int) -> Callable[[int, int, int], float]:
    """A toy that learns `features` numbers from rows: (rows, steps, seed) -> loss on new rows."""

    def run(rows: int, steps: int, seed: int) -> float:
        rng = np.random.default_rng(seed)
        weights = rng.normal(size=features)

        def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
            read = rng.normal(size=(count, features))
            return read, read @ weights + rng.normal(size=count)

        new, new_answer = draw(200)
        read, answer = draw(MANY)
        read, answer = read[:rows], answer[:rows]  # nested: the many rows contain the few
        learnt = np.zeros(features)
        for _ in range(steps):
            learnt -= 0.05 * read.T @ (read @ learnt - answer) / rows
        return float(np.mean((new @ learnt - new_answer) ** 2))

    return run


@check
def check_worth_it(worth_it: Callable) -> str | None:
    """Exercise 9.2: run -> losses of few and many rows, and whether more rows were worth it."""
    for features, right in ((24, True), (2, False)):
        run, asked = recorded(toy_job(features))
        found = worth_it(run)
        complaint = _not_an_experiment(found, asked) or _misread(found, right)
        if complaint:
            return complaint
    return None


def _not_an_experiment(found: Mapping, asked: Mapping) -> str | None:
    if not isinstance(found, dict) or set(found) != {FEW, MANY, "worth it"}:
        return f'return {{{FEW}: losses, {MANY}: losses, "worth it": True or False}}'
    if not asked:
        return "nothing was run: the losses have to come from run(rows, steps, seed)"
    for rows in (FEW, MANY):
        if not isinstance(found[rows], list | tuple) or len(found[rows]) < 3:
            return f"{rows} rows: three losses at least, one a seed; one run says nothing of noise"
        ours = [loss for (n, _, _), loss in asked.items() if n == rows]
        if any(not any(math.isclose(loss, one) for one in ours) for loss in found[rows]):
            return f"{rows} rows: some loss is not one that a run with {rows} rows gave"
    used = {rows: {(steps, seed) for n, steps, seed in asked if n == rows} for rows in (FEW, MANY)}
    if {steps for steps, _ in used[FEW]} != {steps for steps, _ in used[MANY]}:
        return "the steps differ between few and many rows: then rows and steps change at once"
    if {seed for _, seed in used[FEW]} != {seed for _, seed in used[MANY]}:
        return "the seeds differ between few and many rows: use the same, so that rows are nested"
    if min(steps for steps, _ in used[FEW]) < 20:
        return "so few steps teach nothing yet, however many rows there are: take 100 or more"
    return None


def _misread(found: Mapping, right: bool) -> str | None:
    apart = max(found[MANY]) < min(found[FEW])
    if found["worth it"] == apart == right:
        return None
    if found["worth it"] and not apart:
        return (
            "the two ranges overlap: a lower mean alone may be the noise between seeds, so it is "
            "not shown to be worth it"
        )
    if apart and not found["worth it"]:
        return f"every run on {MANY} rows beats every run on {FEW}: it is worth it"
    return "take more seeds, or more steps: these runs do not settle what the job's numbers can"
