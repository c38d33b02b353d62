"""Checks for notebooks/06_sft_trainer.ipynb."""

import math
from collections.abc import Callable
from numbers import Integral, Real

import torch

from helpers.checks import check

LAYOUTS = ("prompt, completion", "text", "prompt, completion, text", "input_ids")
TOYS = ("prompt, completion", "prompt, completion, text")  # the layouts of exercise 6.2
MEASURED = ("rows", "steps", "loss", "stopped")
KNOWN_BY_HEART = 0.1  # nats per token


@check
def check_count_targets(count_targets: Callable[[str, int, int, int], int]) -> str | None:
    """Exercise 6.1: (layout, prompt, completion, padded) -> positions that carry loss."""
    prompt, completion, padded = 52, 67, 256  # not 512: MAX_LENGTH of the notebook is no answer
    wanted = dict(
        zip(LAYOUTS, (completion + 1, prompt + completion + 1, completion, padded), strict=True)
    )
    found = {layout: count_targets(layout, prompt, completion, padded) for layout in LAYOUTS}
    if any(isinstance(n, bool) or not isinstance(n, Integral) for n in found.values()):
        return f"a count is a whole number; yours are {found}"
    if found["input_ids"] in (completion, completion + 1, padded - prompt):
        return (
            "input_ids: the trainer can't know where the prompt ends in a row of numbers, so "
            "nothing masks it"
        )
    if found["input_ids"] in (prompt + completion, prompt + completion + 1):
        return "input_ids: the attention mask is thrown away, so the padding is trained as well"
    if found["input_ids"] == padded - 1:
        return "input_ids: count all labels that are not -100, also the one that no token precedes"
    if found["prompt, completion, text"] == completion + 1:
        return (
            "prompt, completion, text: the end token goes to the column `text` where there is one, "
            "and the completion goes without"
        )
    if found["prompt, completion, text"] in (prompt + completion, prompt + completion + 1):
        return (
            "prompt, completion, text: where there is a column `prompt`, the tokens do not come "
            "from `text`"
        )
    if found["text"] in (completion, completion + 1):
        return "text: one column has no boundary, so the prompt carries loss too"
    if found["prompt, completion"] in (prompt + completion, prompt + completion + 1):
        return "prompt, completion: the prompt is masked by default (completion_only_loss)"
    if found["prompt, completion"] == completion or found["text"] == prompt + completion:
        return "the end token that the trainer appends is a target too"
    wrong = [layout for layout in LAYOUTS if found[layout] != wanted[layout]]
    return f"not yet right: {'; '.join(wrong)}" if wrong else None


@check
def check_stop_experiment(stop_experiment: Callable[[], dict]) -> str | None:
    """Exercise 6.2: () -> for both layouts rows, steps, loss and stopped, measured on toys."""
    torch_state = torch.get_rng_state()
    try:
        found = stop_experiment()
    finally:
        torch.set_rng_state(torch_state)
    if not isinstance(found, dict) or not {*TOYS} <= set(found):
        return f"return a dictionary with {' and '.join(map(repr, TOYS))}"
    for layout in TOYS:
        missing = [name for name in MEASURED if not _number(found[layout].get(name))]
        if missing:
            return f"{layout}: no number for {', '.join(missing)}"
    return _judge_toys(*(found[layout] for layout in TOYS))


def _number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _judge_toys(clean: dict, stray: dict) -> str | None:
    for name in ("rows", "steps"):
        if clean[name] != stray[name]:
            return (
                f"the toys differ in their {name} too ({clean[name]} and {stray[name]}): then "
                "nobody knows what made the difference"
            )
    rows = clean["rows"]
    if rows < 4:
        return f"{rows} rows are too few to tell a rule from chance: take at least 4"
    if not all(0 <= toy["stopped"] <= rows for toy in (clean, stray)):
        return f"`stopped` counts rows, so it lies between 0 and {rows}"
    worst = max(clean["loss"], stray["loss"])
    if worst >= KNOWN_BY_HEART:
        return (
            f"a toy ends with a loss of {worst:.2f}: it does not know its rows yet, so how it ends "
            "says nothing about the column. Train longer, or with a higher rate"
        )
    if clean["stopped"] == stray["stopped"] == rows:
        return (
            "both stop in every row: does the second toy really get a column `text`, and do you "
            "count end tokens (`stopped`), not lengths?"
        )
    if clean["stopped"] == stray["stopped"] == 0:
        return "neither stops: is the limit of new tokens longer than a description?"
    if stray["stopped"] > clean["stopped"]:
        return "the toy with the stray column stops more often: are the two swapped?"
    if clean["stopped"] < 0.75 * rows or stray["stopped"] > 0.25 * rows:
        return (
            f"{clean['stopped']} and {stray['stopped']} of {rows} rows stop: too close to answer "
            "the question. Take prompts that the toy was trained on, and a long enough limit"
        )
    return None


@check
def check_learning_rate_at(rate_at: Callable[[int, int, int, float], float]) -> str | None:
    """Exercise 6.3: (step, total_steps, warmup_steps, peak) -> rate of that optimizer step."""
    total, warmup, peak = 40, 8, 2e-4
    found = [rate_at(step, total, warmup, peak) for step in range(total)]
    if any(rate is None for rate in found):
        return "it returns None: return the rate, a number"

    def same(rates: list[float]) -> bool:
        return all(map(_close, found, rates, [peak] * total))

    up, down = _up_and_down(total, warmup, peak)
    if same(up + down):
        for sizes in ((30, 3, 2e-4), (40, 5, 2e-4), (40, 8, 1e-3)):
            rates = [rate for line in _up_and_down(*sizes) for rate in line]
            if not all(_close(rate_at(i, *sizes), rate, sizes[2]) for i, rate in enumerate(rates)):
                return (
                    f"right for {total} steps with {warmup} of warm-up and a peak of {peak:g}, and "
                    "not for others: compute it from the arguments"
                )
        return None
    if same([rate / peak for rate in up + down]):
        return "that is the share of the peak: the rate is so much of `peak`"
    if same([peak * (total - step) / total for step in range(total)]):
        return "there is no warm-up: the rate starts at its peak"
    if same(up + [peak] * (total - warmup)):
        return "the rate stays at its peak: after the warm-up it falls to 0"
    if same(up + [peak * (total - step) / total for step in range(warmup, total)]):
        return "the fall starts at the peak when the warm-up ends; yours jumps down there"
    if same([peak * (step + 1) / warmup for step in range(warmup)] + down):
        return "steps count from 0, and so does the rate: step 0 has the rate 0"
    if same([*up[1:], *down, 0.0]):
        return "each step has the rate of the step after it: steps count from 0"
    last = total - 1
    if same(up + [peak * (last - step) / (last - warmup) for step in range(warmup, total)]):
        return "0 would be reached at step `total_steps`; yours is there a step earlier"
    wrong = next(i for i, rate in enumerate(up + down) if not _close(found[i], rate, peak))
    return (
        f"of {total} steps with {warmup} of warm-up, step {wrong} has another rate than "
        f"{found[wrong]:.3g}"
    )


def _up_and_down(total: int, warmup: int, peak: float) -> tuple[list[float], list[float]]:
    """The rates of the steps of the warm-up, and those of all steps after it."""
    up = [peak * step / warmup for step in range(warmup)]
    return up, [peak * (total - step) / (total - warmup) for step in range(warmup, total)]


def _close(rate: Real, wanted: float, peak: float) -> bool:
    return math.isclose(rate, wanted, rel_tol=1e-6, abs_tol=1e-9 * peak)


def _toy_run() -> tuple[torch.nn.Linear, torch.optim.AdamW, torch.optim.lr_scheduler.LambdaLR]:
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    return model, optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / 8)


def _toy_steps(run: tuple, batches: torch.Tensor) -> torch.Tensor:
    model, optimizer, scheduler = run
    for batch in batches:
        optimizer.zero_grad()
        (model(batch).square().mean() - model(batch).mean()).backward()
        optimizer.step()
        scheduler.step()
    return model.weight.detach().clone()


def _toy_checkpoint(stop: int, batches: torch.Tensor) -> dict:
    run = _toy_run()
    _toy_steps(run, batches[:stop])
    states = (part.state_dict() for part in run)
    return dict(zip(("model", "optimizer", "scheduler"), states, strict=True)) | {"step": stop}


def _resumed(parts: tuple[str, ...], stop: int, batches: torch.Tensor) -> torch.Tensor:
    """The last weights of a run of which only these parts came back."""
    run, checkpoint = _toy_run(), _toy_checkpoint(stop, batches)
    for name, part in zip(("model", "optimizer", "scheduler"), run, strict=True):
        if name in parts:
            part.load_state_dict(checkpoint[name])
    return _toy_steps(run, batches[stop:])


def _judge_restore(restore: Callable, stop: int, batches: torch.Tensor) -> str | None:
    whole, run = _toy_steps(_toy_run(), batches), _toy_run()
    step = restore(_toy_checkpoint(stop, batches), *run)
    if isinstance(step, bool) or not isinstance(step, Integral):
        return f"return the number of the step to go on with, as a whole number, not {step!r}"
    if not 0 <= step <= len(batches):
        return f"there is no step {step}: the run has {len(batches)}"
    found = _toy_steps(run, batches[step:])
    if step == 0 and torch.equal(found, whole):
        return "this run starts again from its first step: what the checkpoint holds is not used"
    if step != stop:
        return (
            f"the checkpoint was written after {stop} steps, and you go on with step {step}: "
            f"batches are {'seen twice' if step < stop else 'left out'}"
        )
    if torch.equal(found, whole):
        return None
    mistakes = {
        "only the weights came back: the optimizer's moments and the schedule start anew": (
            "model",
        ),
        "the schedule starts anew: the rate jumps back to its first value": ("model", "optimizer"),
        "the optimizer's moments start at zero": ("model", "scheduler"),
        "the weights are those of a new model": ("optimizer", "scheduler"),
        "nothing was restored": (),
    }
    for sentence, parts in mistakes.items():
        if torch.equal(found, _resumed(parts, stop, batches)):
            return sentence
    return "the weights after the last step differ from those of the run without a stop"


@check
def check_restore(restore: Callable) -> str | None:
    """Exercise 6.4: (checkpoint, model, optimizer, scheduler) -> the step to go on with."""
    torch_state = torch.get_rng_state()
    try:
        torch.manual_seed(1)
        batches = torch.randn(8, 5, 3)
        return _judge_restore(restore, 4, batches) or _judge_restore(restore, 3, batches)
    finally:
        torch.set_rng_state(torch_state)
