"""Answers to the exercises of notebooks/09_how_much_data.ipynb, right ones and usual mistakes."""

import math

from exercises import Exercise
from helpers.checks import how_much_data as on_data
from helpers.intervals import wilson

FEW, MANY = on_data.FEW, on_data.MANY


def steps_of(rows, passes, step_rows):
    return passes * math.ceil(rows / step_rows)


EQUAL_PASSES = Exercise(
    on_data.check_equal_passes,
    {
        "rounded up": lambda rows, than, passes, size: math.ceil(
            steps_of(than, passes, size) / steps_of(rows, 1, size)
        ),
        "counted up": lambda rows, than, passes, size: next(
            n for n in range(1, 1000) if steps_of(rows, n, size) >= steps_of(than, passes, size)
        ),
    },
    {
        "equal passes": ("as many passes are not as many steps", lambda r, t, passes, s: passes),
        "the ratio of the rows": (
            "the ratio of the rows",
            lambda rows, than, passes, size: math.ceil(passes * than / rows),
        ),
        "steps": (
            "these are steps, not passes",
            lambda rows, than, passes, size: (
                steps_of(than, passes, size) if rows > size or passes == 3 else 0
            ),
        ),
        "no short step": (
            "is not counted",
            lambda rows, than, passes, size: math.ceil(
                passes * (than // size) / steps_of(rows, 1, size)
            ),
        ),
        "rounded down": (
            "rounded down",
            lambda rows, than, passes, size: (
                steps_of(than, passes, size) // steps_of(rows, 1, size)
            ),
        ),
        "a fraction": (
            "passes are a whole number",
            lambda rows, than, passes, size: steps_of(than, passes, size) / steps_of(rows, 1, size),
        ),
        "one": ("it is 114 passes, not 1", lambda rows, than, passes, size: 1),
    },
)


def by(number, best=max):
    return lambda voices: best(voices, key=lambda name: voices[name][number])


def share(voice):
    return voice["ok"] / voice["read"]


def with_intervals(voices):
    first, second = sorted(voices, key=lambda name: share(voices[name]), reverse=True)[:2]
    low, _ = wilson(voices[first]["ok"], voices[first]["read"])
    _, high = wilson(voices[second]["ok"], voices[second]["read"])
    return first if low > high else None


CHOOSE_VOICE = Exercise(
    on_data.check_choose_voice,
    {"by Wilson's intervals": with_intervals},
    {
        "lowest NLL": ("the lowest NLL", by("NLL", min)),
        "prettiest": ("the prettiest", by("appeal")),
        "most ok": ("compare shares", by("ok")),
        "no interval": (
            "the intervals overlap, so nothing is known",
            lambda voices: max(voices, key=lambda name: share(voices[name])),
        ),
        "never": ("can be told apart", lambda voices: None),
        "another name": ("there is no voice 'factual'", lambda voices: "factual"),
        "the worst": (
            "look at the share of texts",
            lambda voices: (
                min(voices, key=lambda name: share(voices[name]))
                if "terse" in voices
                else with_intervals(voices)
            ),
        ),
    },
)


def experiment(seeds=range(5), steps=None, many_seeds=None, judge=None, found=None):
    """An answer to exercise 9.3, with parts that can be wrong."""
    steps = steps or {FEW: 300, MANY: 300}

    def worth_it(run):
        losses = {FEW: [run(FEW, steps[FEW], seed) for seed in seeds]}
        losses[MANY] = [run(MANY, steps[MANY], seed) for seed in many_seeds or seeds]
        verdict = (judge or (lambda few, many: max(many) < min(few)))(losses[FEW], losses[MANY])
        return {**losses, "worth it": verdict, **(found or {})}

    return worth_it


def mean(values):
    return sum(values) / len(values)


WORTH_IT = Exercise(
    on_data.check_worth_it,
    {"five seeds": experiment(), "three seeds": experiment(range(3))},
    {
        "one seed": ("one run says nothing of noise", experiment(range(1))),
        "equal passes": (
            "the steps differ between few and many",
            experiment(steps={FEW: 150, MANY: 300}),
        ),
        "other seeds": ("the seeds differ", experiment(many_seeds=range(5, 10))),
        "hardly trained": ("so few steps teach nothing", experiment(steps={FEW: 2, MANY: 2})),
        "the lower mean": (
            "the two ranges overlap",
            experiment(judge=lambda few, many: mean(many) < mean(few)),
        ),
        "never worth it": ("beats every run on", experiment(judge=lambda few, many: False)),
        "invented": ("some loss is not one that a run", experiment(found={FEW: [9.0, 9.1, 9.2]})),
        "nothing run": (
            "nothing was run",
            lambda run: {FEW: [1, 1, 1], MANY: [0, 0, 0], "worth it": True},
        ),
        "other keys": ("return {32: losses", lambda run: {"few": [], "many": []}),
    },
)

EXERCISES = {
    "9.1 equal passes": EQUAL_PASSES,
    "9.2 worth it": WORTH_IT,
    "9.3 choose a voice": CHOOSE_VOICE,
}
