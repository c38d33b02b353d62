"""Answers to the exercises of notebooks/06_sft_trainer.ipynb, right ones and usual mistakes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from exercises import Exercise
from helpers.checks import sft_trainer as on_sft_trainer


def targets(**changes: Callable[[int, int, int], Any]) -> Callable:
    """Exercise 6.1 answered right, but for the layouts that are given otherwise."""
    rules = {
        "prompt, completion": lambda prompt, completion, padded: completion + 1,
        "text": lambda prompt, completion, padded: prompt + completion + 1,
        "prompt, completion, text": lambda prompt, completion, padded: completion,
        "input_ids": lambda prompt, completion, padded: padded,
    }
    for name, rule in changes.items():
        rules[name.replace("_and_", ", ")] = rule
    if "ids" in rules:
        rules["input_ids"] = rules.pop("ids")
    return lambda layout, prompt, completion, padded: rules[layout](prompt, completion, padded)


COUNT_TARGETS = Exercise(
    on_sft_trainer.check_count_targets,
    {"by layout": targets(), "numpy's": targets(text=lambda p, c, n: np.int64(p + c + 1))},
    {
        "a float": (
            "a count is a whole number",
            targets(text=lambda p, c, n: float(p + c + 1)),
        ),
        "a truth value": ("a count is a whole number", targets(ids=lambda p, c, n: True)),
        "nothing": ("a count is a whole number", lambda *sizes: None),
        "ids: prompt masked": (
            "input_ids: the trainer can't know where the prompt ends",
            targets(ids=lambda p, c, n: c + 1),
        ),
        "ids: prompt masked, no end": (
            "input_ids: the trainer can't know where the prompt ends",
            targets(ids=lambda p, c, n: c),
        ),
        "ids: only the prompt masked": (
            "input_ids: the trainer can't know where the prompt ends",
            targets(ids=lambda p, c, n: n - p),
        ),
        "ids: after the shift": (
            "input_ids: count all labels that are not -100",
            targets(ids=lambda p, c, n: n - 1),
        ),
        "ids: the notebook's MAX_LENGTH": (
            "not yet right: input_ids",
            targets(ids=lambda p, c, n: 512),
        ),
        "ids: padding masked": (
            "input_ids: the attention mask is thrown away",
            targets(ids=lambda p, c, n: p + c + 1),
        ),
        "ids: padding masked, no end": (
            "input_ids: the attention mask is thrown away",
            targets(ids=lambda p, c, n: p + c),
        ),
        "three columns: end with the completion": (
            "prompt, completion, text: the end token goes to the column `text`",
            targets(prompt_and_completion_and_text=lambda p, c, n: c + 1),
        ),
        "three columns: text is trained": (
            "the tokens do not come from `text`",
            targets(prompt_and_completion_and_text=lambda p, c, n: p + c + 1),
        ),
        "three columns: text is trained, no end": (
            "the tokens do not come from `text`",
            targets(prompt_and_completion_and_text=lambda p, c, n: p + c),
        ),
        "text: prompt masked": (
            "text: one column has no boundary",
            targets(text=lambda p, c, n: c + 1),
        ),
        "text: prompt masked, no end": (
            "text: one column has no boundary",
            targets(text=lambda p, c, n: c),
        ),
        "two columns: prompt scored": (
            "prompt, completion: the prompt is masked by default",
            targets(prompt_and_completion=lambda p, c, n: p + c + 1),
        ),
        "two columns: prompt scored, no end": (
            "prompt, completion: the prompt is masked by default",
            targets(prompt_and_completion=lambda p, c, n: p + c),
        ),
        "two columns: no end": (
            "the end token that the trainer appends is a target too",
            targets(prompt_and_completion=lambda p, c, n: c),
        ),
        "text: no end": (
            "the end token that the trainer appends is a target too",
            targets(text=lambda p, c, n: p + c),
        ),
        "two layouts otherwise wrong": (
            "not yet right: text; input_ids",
            targets(text=lambda p, c, n: 7, ids=lambda p, c, n: 0),
        ),
        "three columns otherwise wrong": (
            "not yet right: prompt, completion, text",
            targets(prompt_and_completion_and_text=lambda p, c, n: 0),
        ),
    },
)


def measured(clean: tuple = (4, 100, 0.02, 4), stray: tuple = (4, 100, 0.02, 0)) -> Callable:
    """Exercise 6.2: what a run returned; (rows, steps, loss, stopped) of each toy."""
    names = ("rows", "steps", "loss", "stopped")
    toys = {"prompt, completion": clean, "prompt, completion, text": stray}
    return lambda: {layout: dict(zip(names, toy, strict=True)) for layout, toy in toys.items()}


STOP_EXPERIMENT = Exercise(
    on_sft_trainer.check_stop_experiment,
    {
        "four rows": measured(),
        "twelve rows, not all": measured((12, 300, 0.05, 11), (12, 300, 0.04, 1)),
        "numpy's": measured((np.int64(4), 100, np.float32(0.02), np.int64(4))),
        "more than was asked for": lambda: measured()() | {"note": {}},
    },
    {
        "nothing": ("return a dictionary with", lambda: None),
        "one toy": (
            "return a dictionary with",
            lambda: {"prompt, completion": measured()()["prompt, completion"]},
        ),
        "no loss": ("prompt, completion: no number for loss", measured((4, 100, None, 4))),
        "a list of who stopped": (
            "prompt, completion: no number for stopped",
            measured((4, 100, 0.02, [True] * 4)),
        ),
        "loss is nan": (
            "prompt, completion, text: no number for loss",
            measured(stray=(4, 100, float("nan"), 0)),
        ),
        "other steps": ("the toys differ in their steps too", measured((4, 200, 0.01, 4))),
        "other rows": ("the toys differ in their rows too", measured((8, 100, 0.02, 8))),
        "one row": (
            "1 rows are too few",
            measured((1, 100, 0.02, 1), (1, 100, 0.02, 0)),
        ),
        "tokens, not rows": ("`stopped` counts rows", measured((4, 100, 0.02, 140))),
        "hardly trained": (
            "it does not know its rows yet",
            measured((4, 5, 8.1, 0), (4, 5, 8.1, 0)),
        ),
        "one hardly trained": ("it does not know its rows yet", measured((4, 100, 0.4, 3))),
        "no column, or lengths": (
            "both stop in every row",
            measured(stray=(4, 100, 0.02, 4)),
        ),
        "limit too short": ("neither stops", measured((4, 100, 0.02, 0))),
        "swapped": (
            "stops more often: are the two swapped",
            measured((4, 100, 0.02, 0), (4, 100, 0.02, 4)),
        ),
        "other prompts": ("too close to answer", measured((8, 100, 0.02, 4), (8, 100, 0.02, 1))),
    },
)


def rate_at(step: int, total: int, warmup: int, peak: float) -> float:
    return peak * min(step / warmup, (total - step) / (total - warmup))


def rate_that_jumps(step: int, total: int, warmup: int, peak: float) -> float:
    return peak * (step / warmup if step < warmup else (total - step) / total)


def rate_from_one(step: int, total: int, warmup: int, peak: float) -> float:
    return rate_at(step, total, warmup, peak) if step >= warmup else peak * (step + 1) / warmup


def rate_down_a_step_early(step: int, total: int, warmup: int, peak: float) -> float:
    return rate_at(step, total - (step >= warmup), warmup, peak)


def rate_wrong_at(place: int) -> Callable:
    return lambda step, *sizes: rate_at(step, *sizes) * (1.01 if step == place else 1)


LEARNING_RATE_AT = Exercise(
    on_sft_trainer.check_learning_rate_at,
    {
        "the smaller of two lines": rate_at,
        "two cases": lambda step, total, warmup, peak: (
            peak * step / warmup
            if step < warmup
            else peak - peak * (step - warmup) / (total - warmup)
        ),
    },
    {
        "no warm-up": (
            "there is no warm-up",
            lambda step, total, warmup, peak: peak * (total - step) / total,
        ),
        "no fall": (
            "the rate stays at its peak",
            lambda step, total, warmup, peak: peak * min(1, step / warmup),
        ),
        "a jump": ("yours jumps down there", rate_that_jumps),
        "from step 1": ("steps count from 0, and so does the rate", rate_from_one),
        "a step ahead": (
            "each step has the rate of the step after it",
            lambda step, *sizes: rate_at(step + 1, *sizes),
        ),
        "0 at the last step": ("yours is there a step earlier", rate_down_a_step_early),
        "fixed total": (
            "not for others: compute it from the arguments",
            lambda step, total, warmup, peak: rate_at(step, 40, warmup, peak),
        ),
        "fixed warm-up": (
            "not for others: compute it from the arguments",
            lambda step, total, warmup, peak: rate_at(step, total, 8, peak),
        ),
        "fixed share of warm-up": (
            "not for others: compute it from the arguments",
            lambda step, total, warmup, peak: rate_at(step, total, total // 5, peak),
        ),
        "fixed peak": (
            "not for others: compute it from the arguments",
            lambda step, total, warmup, peak: rate_at(step, total, warmup, 2e-4),
        ),
        "nothing": ("it returns None", lambda *sizes: None),
        "wrong at one step": ("step 20 has another rate than", rate_wrong_at(20)),
        "wrong at the last step": ("step 39 has another rate than", rate_wrong_at(39)),
        "constant": ("step 0 has another rate than", lambda step, total, warmup, peak: peak),
        "without the peak": (
            "that is the share of the peak",
            lambda step, total, warmup, peak: rate_at(step, total, warmup, 1.0),
        ),
    },
)


def restoring(*names: str, step: Callable[[dict], Any] = lambda saved: saved["step"]) -> Callable:
    """Exercise 6.4: load the named parts, and go on with the step."""

    def restore(saved: dict, model, optimizer, scheduler) -> Any:
        parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
        for name in names:
            parts[name].load_state_dict(saved[name])
        return step(saved)

    return restore


ALL = ("model", "optimizer", "scheduler")

RESTORE = Exercise(
    on_sft_trainer.check_restore,
    {
        "in order": restoring(*ALL),
        "in another order": restoring(*reversed(ALL)),
        "numpy's": restoring(*ALL, step=lambda saved: np.int64(saved["step"])),
    },
    {
        "weights only": ("only the weights came back", restoring("model")),
        "no schedule": ("the schedule starts anew", restoring("model", "optimizer")),
        "no moments": (
            "the optimizer's moments start at zero",
            restoring("model", "scheduler"),
        ),
        "no weights": ("the weights are those of a new model", restoring("optimizer", "scheduler")),
        "nothing": ("nothing was restored", restoring()),
        "schedule only": (
            "differ from those of the run without a stop",
            restoring("scheduler"),
        ),
        "step 0": (
            "after 4 steps, and you go on with step 0: batches are seen twice",
            restoring(*ALL, step=lambda saved: 0),
        ),
        "from the start again": (
            "starts again from its first step",
            restoring(step=lambda saved: 0),
        ),
        "always step 4": (
            "after 3 steps, and you go on with step 4: batches are left out",
            restoring(*ALL, step=lambda saved: 4),
        ),
        "one step back": (
            "after 4 steps, and you go on with step 3: batches are seen twice",
            restoring(*ALL, step=lambda saved: saved["step"] - 1),
        ),
        "one step on": (
            "after 4 steps, and you go on with step 5: batches are left out",
            restoring(*ALL, step=lambda saved: saved["step"] + 1),
        ),
        "no step": ("whole number, not None", restoring(*ALL, step=lambda saved: None)),
        "a float": ("whole number, not 4.0", restoring(*ALL, step=lambda saved: 4.0)),
        "a truth value": ("whole number, not True", restoring(*ALL, step=lambda saved: True)),
        "a step past the end": (
            "there is no step 9: the run has 8",
            restoring(*ALL, step=lambda saved: 9),
        ),
        "a step before the start": (
            "there is no step -1",
            restoring(*ALL, step=lambda saved: -1),
        ),
    },
)

EXERCISES = {
    "06 count_targets": COUNT_TARGETS,
    "06 stop_experiment": STOP_EXPERIMENT,
    "06 learning_rate_at": LEARNING_RATE_AT,
    "06 restore": RESTORE,
}
