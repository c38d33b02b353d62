"""Answers to the exercises of notebooks/10_lora_and_forgetting.ipynb, right and usual mistakes."""

from exercises import Exercise
from helpers.checks import lora_and_forgetting as on_lora

HIGH, LOW = on_lora.HIGH, on_lora.LOW


def in_place(weight, a, b, alpha):
    weight += alpha / len(a) * b @ a
    return weight


MERGED = Exercise(
    on_lora.check_merged,
    {
        "in one line": lambda weight, a, b, alpha: weight + alpha / len(a) * b @ a,
        "r from B": lambda weight, a, b, alpha: weight + (b @ a) * (alpha / b.shape[1]),
    },
    {
        "no alpha / r": ("alpha / r is forgotten", lambda weight, a, b, alpha: weight + b @ a),
        "alpha alone": ("alpha is not divided", lambda weight, a, b, alpha: weight + alpha * b @ a),
        "upside down": (
            "multiplied by r / alpha",
            lambda weight, a, b, alpha: weight + len(a) / alpha * b @ a,
        ),
        "the change alone": (
            "the change alone",
            lambda weight, a, b, alpha: alpha / len(a) * b @ a,
        ),
        "taken out": (
            "subtracted",
            lambda weight, a, b, alpha: weight - alpha / len(a) * b @ a,
        ),
        "another r": (
            "r is not a size of W",
            lambda weight, a, b, alpha: weight + alpha / weight.shape[1] * b @ a,
        ),
        "transposed": (
            "the change is transposed",
            lambda weight, a, b, alpha: (
                weight + alpha / len(a) * (b @ a).T
                if len(weight) == weight.shape[1]
                else weight + alpha / len(a) * b @ a
            ),
        ),
        "in place": ("W itself was changed", in_place),
        "another shape": ("a matrix of the shape of W", lambda weight, a, b, alpha: a),
        "W": ("another output", lambda weight, a, b, alpha: weight),
    },
)


def level(run, seeds, high_steps=10):
    """Losses of both rates, with steps of the lower one so that both have learnt the same."""
    high = [run(HIGH, high_steps, seed) for seed in seeds]
    goal = sum(new for new, _ in high)

    def gap(steps):
        return abs(sum(run(LOW, steps, seed)[0] for seed in seeds) - goal)

    steps = min(range(high_steps, 6 * high_steps), key=gap)
    return {HIGH: (high_steps, high), LOW: (steps, [run(LOW, steps, seed) for seed in seeds])}


def mean(values):
    return sum(values) / len(values)


def experiment(seeds=range(5), steps=None, low_seeds=None, judge=None):
    """An answer to exercise 10.2, with parts that can be wrong."""

    def lower_rate(run):
        made = level(run, seeds)
        for rate, count in (steps or {}).items():
            made[rate] = (count, [run(rate, count, seed) for seed in seeds])
        if low_seeds:
            made[LOW] = (made[LOW][0], [run(LOW, made[LOW][0], seed) for seed in low_seeds])
        table = {
            rate: {"steps": count, "new": [n for n, _ in pairs], "old": [o for _, o in pairs]}
            for rate, (count, pairs) in made.items()
        }
        less = mean(table[LOW]["old"]) < 0.9 * mean(table[HIGH]["old"])
        return {**table, "forgets less": judge(less) if judge else less}

    return lower_rate


LOWER_RATE = Exercise(
    on_lora.check_lower_rate,
    {"five seeds": experiment(), "three seeds": experiment(range(3))},
    {
        "equal steps": ("has learnt less", experiment(steps={LOW: 10})),
        "four times the steps and more": (
            "choose steps with which both",
            experiment(steps={LOW: 160}),
        ),
        "one seed": ("three new and three old losses", experiment(range(1))),
        "other seeds": ("the seeds differ", experiment(low_seeds=range(5, 10))),
        "always less": ("that is not less by a tenth", experiment(judge=lambda less: True)),
        "never less": (
            "less by more than a tenth",
            experiment(judge=lambda less: False),
        ),
        "other keys": ("return {0.1: ...", lambda run: {"high": 1, "low": 2}),
        "no steps": ("each rate has", lambda run: {HIGH: {}, LOW: {}, "forgets less": True}),
        "nothing run": (
            "nothing was run",
            lambda run: (
                {rate: {"steps": 9, "new": [1, 1, 1], "old": [rate] * 3} for rate in (HIGH, LOW)}
                | {"forgets less": True}
            ),
        ),
        "invented": (
            "some losses are not those",
            lambda run: {
                **experiment()(run),
                HIGH: {"steps": 10, "new": [1, 1, 1], "old": [2, 2, 2]},
            },
        ),
    },
)


def left(runs):
    return {(run["extra"], run["extra_rows"], run["seed"]): run["skill"] for run in runs}


def gain(runs, other=("products", None), paired=True, sign=1):
    """An answer to exercise 10.3, with parts that can be wrong."""
    found, kind, fixed = left(runs), *other
    gains = {}
    for rows in {rows for extra, rows, _ in found if extra == "skill"}:
        against = rows if fixed is None else fixed
        replay = {seed: v for (extra, n, seed), v in found.items() if (extra, n) == ("skill", rows)}
        control = {
            seed: v for (extra, n, seed), v in found.items() if (extra, n) == (kind, against)
        }
        both = replay.keys() & control.keys() if paired else replay.keys()
        with_replay = mean([replay[seed] for seed in both])
        without = mean([control[seed] for seed in (both if paired else control)])
        gains[rows] = sign * (with_replay - without)
    return gains


REPLAY_GAIN = Exercise(
    on_lora.check_replay_gain,
    {"paired by seed": gain},
    {
        "against no extra rows": (
            "credits replay with what any extra rows do",
            lambda runs: gain(runs, ("none", 0)),
        ),
        "no comparison": (
            "compared with nothing",
            lambda runs: {
                rows: mean([v for (extra, n, _), v in left(runs).items() if (extra, n) == key])
                for rows in (9, 30)
                for key in [("skill", rows)]
            },
        ),
        "not paired": ("a seed without its control", lambda runs: gain(runs, paired=False)),
        "another number": (
            "the control has another number of rows",
            lambda runs: gain(runs, ("products", 30)),
        ),
        "the control's own": (
            "what the other rows do",
            lambda runs: {
                rows: mean([v for (extra, n, _), v in left(runs).items() if (extra, n) == key])
                - mean([v for (extra, _, _), v in left(runs).items() if extra == "none"])
                for rows in (9, 30)
                for key in [("products", rows)]
            },
        ),
        "turned": ("the sign is turned", lambda runs: gain(runs, sign=-1)),
        "one number": ("return one number for each", lambda runs: {30: 0.5}),
        "zero": ("with 9 rows it is", lambda runs: {9: 0.0, 30: 0.0}),
    },
)

EXERCISES = {
    "10.1 merged": MERGED,
    "10.2 lower rate": LOWER_RATE,
    "10.3 replay against its control": REPLAY_GAIN,
}
