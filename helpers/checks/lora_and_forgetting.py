"""Checks of the exercises in notebooks/10_lora_and_forgetting.ipynb."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from helpers.checks import check, recorded

HIGH, LOW = 0.1, 0.025  # the two rates of the toy job
SAME_LOSS = 0.1  # new losses that differ by no more than this share count as the same
LESS = 0.9  # "forgets less": below this share of the other's old loss


def _low_rank(outputs: int, inputs: int, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(outputs + 10 * inputs)
    shapes = (outputs, inputs), (rank, inputs), (outputs, rank)
    weight, a, b = (torch.randn(*shape, generator=draw) for shape in shapes)
    return weight, a, b


@check
def check_merged(merged: Callable) -> str | None:
    """Exercise 10.1: W, A, B, alpha -> the one matrix that does the work of all three."""
    for outputs, inputs, rank, alpha in ((5, 5, 2, 8.0), (4, 6, 2, 8.0), (3, 5, 4, 2.0)):
        weight, a, b = _low_rank(outputs, inputs, rank)
        given = weight.clone(), a.clone(), b.clone()
        found = merged(*given, alpha)
        if not isinstance(found, Tensor) or found.shape != weight.shape:
            shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            return f"a matrix of the shape of W, {tuple(weight.shape)}, not {shape}"
        if not torch.equal(given[0], weight):
            return "W itself was changed: return a new matrix, so that W is still there to go back"
        change = b @ a
        right = weight + alpha / rank * change
        if torch.allclose(found, right, rtol=1e-5, atol=1e-5):
            continue
        mistakes = {
            "alpha / r is forgotten: the product alone is added": weight + change,
            "alpha is not divided by r": weight + alpha * change,
            "multiplied by r / alpha: it is the other way round": weight + rank / alpha * change,
            "the change alone: W is to be added": alpha / rank * change,
            "subtracted: that takes an adapter out, it does not put it in": (
                weight - alpha / rank * change
            ),
            "r is not a size of W: it is the number of rows of A": weight + alpha / inputs * change,
        }
        if outputs == inputs:
            mistakes["the change is transposed, which a square matrix does not notice"] = (
                weight + alpha / rank * change.T
            )
        for sentence, value in mistakes.items():
            if torch.allclose(found, value, rtol=1e-5, atol=1e-5):
                return sentence
        return "merged, the layer gives another output than W x + alpha / r B A x"
    return None


def toy_job(noise: float) -> Callable[[int, int, int], tuple[float, float]]:
    """A toy with an old job and a new one: (rate, steps, seed) -> (new loss, old loss).

    It knows the old job (loss 0) and is trained on the new one, whose rows also touch weights
    that the old job needs. Of 26 weights, both jobs need some, and 20 only the old one.

    Args:
        noise: how far single steps push those 20 about; the seed draws where to.
    """
    shared = np.vstack([np.eye(3), 0.5 * np.eye(3), np.zeros((20, 3))])
    curve = shared @ shared.T + 0.02 * np.eye(26)
    wanted = np.array([1.0] * 3 + [0.0] * 23)

    def run(rate: float, steps: int, seed: int) -> tuple[float, float]:
        pushes = noise * np.random.default_rng(seed).normal(size=(steps, 26))
        pushes[:, :6] = 0.0
        learnt = np.zeros(26)
        for push in pushes:
            learnt = learnt - rate * (curve @ (learnt - wanted) + push)
        gap = learnt - wanted
        return float(gap @ curve @ gap), float(learnt[3:] @ learnt[3:])

    return run


@check
def check_lower_rate(lower_rate: Callable) -> str | None:
    """Exercise 10.2: run -> what both rates forget where both have learnt the same."""
    for noise, right in ((0.0, False), (0.7, True)):
        run, asked = recorded(toy_job(noise))
        found = lower_rate(run)
        complaint = _not_an_experiment(found, asked) or _misread(found, right)
        if complaint:
            return complaint
    return None


def _not_an_experiment(found: Mapping, asked: Mapping) -> str | None:
    names = {"steps", "new", "old"}
    if not isinstance(found, dict) or set(found) != {HIGH, LOW, "forgets less"}:
        return f'return {{{HIGH}: ..., {LOW}: ..., "forgets less": True or False}}'
    if any(not isinstance(found[rate], dict) or set(found[rate]) != names for rate in (HIGH, LOW)):
        return 'each rate has {"steps": a number, "new": losses, "old": losses}'
    if not asked:
        return "nothing was run: the losses have to come from run(rate, steps, seed)"
    seeds = {}
    for rate in (HIGH, LOW):
        steps, new, old = (found[rate][name] for name in ("steps", "new", "old"))
        if len(new) < 3 or len(new) != len(old):
            return f"rate {rate}: three new and three old losses at least, one a seed"
        ours = {seed: pair for (r, n, seed), pair in asked.items() if (r, n) == (rate, steps)}
        made = list(ours.values())
        for pair in zip(new, old, strict=True):
            if not any(math.isclose(pair[0], a) and math.isclose(pair[1], b) for a, b in made):
                return f"rate {rate}: some losses are not those of a run of {steps} steps"
        seeds[rate] = set(ours)
    if seeds[HIGH] != seeds[LOW]:
        return "the seeds differ between the two rates: use the same"
    return _not_level(found)


def _not_level(found: Mapping) -> str | None:
    high, low = (float(np.mean(found[rate]["new"])) for rate in (HIGH, LOW))
    if abs(high - low) <= SAME_LOSS * max(high, low):
        return None
    if found[HIGH]["steps"] == found[LOW]["steps"]:
        return (
            f"as many steps at both rates: new losses {high:.2f} and {low:.2f}, so the lower rate "
            "has learnt less, and of course forgets less"
        )
    return f"new losses {high:.2f} and {low:.2f}: choose steps with which both have learnt the same"


def _misread(found: Mapping, right: bool) -> str | None:
    high, low = (float(np.mean(found[rate]["old"])) for rate in (HIGH, LOW))
    less = low < LESS * high
    if found["forgets less"] == less == right:
        return None
    if found["forgets less"] and not less:
        return f"old losses {high:.2f} and {low:.2f}: that is not less by a tenth"
    if less and not found["forgets less"]:
        return f"old losses {high:.2f} and {low:.2f}: less by more than a tenth"
    return "take more seeds: these runs do not settle what the job's numbers can"


def toy_runs() -> list[dict]:
    """Eleven runs of a made-up study, for exercise 10.3."""
    seeds = {  # extra rows -> kind -> seed -> share of the old skill that is left
        0: {"none": {0: 0.10, 1: 0.20, 2: 0.15}},
        9: {"skill": {0: 0.55, 1: 0.40, 2: 0.90}, "products": {0: 0.30, 1: 0.25}},
        30: {"skill": {0: 0.95, 1: 0.85}, "products": {0: 0.50, 1: 0.30}},
    }
    return [
        {"extra": kind, "extra_rows": rows, "seed": seed, "skill": left}
        for rows, kinds in seeds.items()
        for kind, runs in kinds.items()
        for seed, left in runs.items()
    ]


def _paired(runs: list[dict], rows: int, other: str, other_rows: int) -> list[float]:
    left = {(run["extra"], run["extra_rows"], run["seed"]): run["skill"] for run in runs}
    return [
        value - left[other, other_rows, seed]
        for (kind, n, seed), value in left.items()
        if (kind, n) == ("skill", rows) and (other, other_rows, seed) in left
    ]


def _mean(runs: list[dict], kind: str, rows: int) -> float:
    found = [run["skill"] for run in runs if (run["extra"], run["extra_rows"]) == (kind, rows)]
    return sum(found) / len(found)


@check
def check_replay_gain(replay_gain: Callable) -> str | None:
    """Exercise 10.3: runs -> what replay keeps beyond what as many other rows keep."""
    runs = toy_runs()
    found = replay_gain([dict(run) for run in runs])
    sizes = sorted({run["extra_rows"] for run in runs if run["extra"] == "skill"})
    if not isinstance(found, Mapping) or sorted(found) != sizes:
        return f"return one number for each number of replayed rows: {sizes}"
    right = {rows: float(np.mean(_paired(runs, rows, "products", rows))) for rows in sizes}
    most = max(sizes)
    answers = {
        "": right,
        "compared with no extra rows: this credits replay with what any extra rows do": {
            rows: float(np.mean(_paired(runs, rows, "none", 0))) for rows in sizes
        },
        "what is left after replay, compared with nothing": {
            rows: _mean(runs, "skill", rows) for rows in sizes
        },
        "a seed without its control counts here: pair the runs of one seed": {
            rows: _mean(runs, "skill", rows) - _mean(runs, "products", rows) for rows in sizes
        },
        "the control has another number of rows": {
            rows: float(np.mean(_paired(runs, rows, "products", most))) for rows in sizes
        },
        "what the other rows do, not what replay does": {
            rows: _mean(runs, "products", rows) - _mean(runs, "none", 0) for rows in sizes
        },
        "the sign is turned: replay minus control": {rows: -gain for rows, gain in right.items()},
    }
    for sentence, values in answers.items():
        if all(math.isclose(found[rows], values[rows], abs_tol=1e-9) for rows in sizes):
            return sentence or None
    return f"with {sizes[0]} rows it is {right[sizes[0]]:.3f}, not {found[sizes[0]]:.3f}"
