"""Answers to the exercises of notebooks/11_hyperparameters.ipynb, right ones and usual mistakes."""

import random

import numpy as np

from exercises import Exercise
from helpers.checks import hyperparameters as on_search


def shuffled_importances(settings, scores, importances, shuffles, seed=0):
    rng, values = random.Random(seed), list(scores)
    for _ in range(shuffles):
        rng.shuffle(values)
        yield importances(settings, values)


def above(quantile, shuffles=300, seed=0):
    """An answer to exercise 11.1: what lies above that quantile of the shuffles."""

    def believed(settings, scores, importances):
        found = importances(settings, scores)
        chance = list(shuffled_importances(settings, scores, importances, shuffles, seed))
        return {n for n in found if found[n] > np.quantile([one[n] for one in chance], quantile)}

    return believed


def by_share(limit):
    def believed(settings, scores, importances):
        found = importances(settings, scores)
        return {name for name in found if found[name] > limit * sum(found.values())}

    return believed


def the_largest(settings, scores, importances):
    found = importances(settings, scores)
    return {max(found, key=found.get)}


def nothing(shuffles):
    def believed(settings, scores, importances):
        list(shuffled_importances(settings, scores, importances, shuffles))
        return set()

    return believed


BELIEVED = Exercise(
    on_search.check_believed,
    {
        "95 %": above(0.95),
        "other shuffles": above(0.95, seed=1),
        "a hundred": above(0.95, shuffles=100, seed=2),
    },
    {
        "the largest": ("shares sum to 1", the_largest),
        "more than half": ("shares sum to 1", by_share(0.5)),
        "more than 0.6": ("shares sum to 1", by_share(0.6)),
        "above the middle": ("half of all noise", above(0.5)),
        "ten shuffles": ("so few shuffles", above(0.95, shuffles=10)),
        "never": ("was not believed", nothing(200)),
        "never, unasked": ("nothing was shuffled", nothing(0)),
        "all": ("half of all noise", above(0.0)),
        "a list": ("return a set of names", lambda *given: list(above(0.95)(*given))),
        "another name": ("return a set of names", lambda *given: {"learning_rate"}),
    },
)

SEEDS = range(100, 105)


def winner_of(trials):
    return min(trials, key=lambda trial: trial["NLL"])["setting"]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def fresh(trials, run, seeds=SEEDS):
    return [run(winner_of(trials), seed) for seed in seeds]


REPORT = Exercise(
    on_search.check_report,
    {
        "five fresh seeds": lambda trials, run: mean(fresh(trials, run)),
        "three fresh seeds": lambda trials, run: mean(fresh(trials, run, range(20, 23))),
        "numpy": lambda trials, run: np.mean(fresh(trials, run)),
    },
    {
        "its own score": (
            "the winner's own search score",
            lambda trials, run: min(trial["NLL"] for trial in trials),
        ),
        "its own trial again": (
            "the winner's own search score",
            lambda trials, run: min(run(trial["setting"], trial["seed"]) for trial in trials),
        ),
        "the mean of all": (
            "the mean of all trials",
            lambda trials, run: mean(trial["NLL"] for trial in trials),
        ),
        "a guess": ("nothing was run", lambda trials, run: 1.0),
        "seeds of the search": (
            "a seed of the search was used again",
            lambda trials, run: mean(fresh(trials, run, range(5))),
        ),
        "one fresh run": ("fewer than three", lambda trials, run: mean(fresh(trials, run, [99]))),
        "the best fresh run": (
            "the best of the fresh runs",
            lambda trials, run: min(fresh(trials, run)),
        ),
        "all settings again": (
            "whoever picks among them again",
            lambda trials, run: min(
                mean(run(trial["setting"], seed) for seed in SEEDS) for trial in trials
            ),
        ),
        "the worst": (
            "the trial with the *lowest* NLL",
            lambda trials, run: mean(
                run(max(trials, key=lambda trial: trial["NLL"])["setting"], seed) for seed in SEEDS
            ),
        ),
        "half of it": (
            "not the mean of the fresh runs",
            lambda trials, run: mean(fresh(trials, run)) / 2,
        ),
        "a list": ("return one number", fresh),
    },
)


def experiment(
    tried=30, search_seeds=None, seeds=range(100, 112), theirs=None, judge=None, **found
):
    """An answer to exercise 11.3, with parts that can be wrong."""

    def search(run, default, budget):
        settings = [round((n + 0.5) / tried, 4) for n in range(tried)]
        used = search_seeds or range(tried)
        scores = {s: run(s, seed) for s, seed in zip(settings, used, strict=True)}
        winner = min(scores, key=scores.get)
        ours = [run(winner, seed) for seed in seeds]
        others = [run(default, seed) for seed in theirs or seeds]
        verdict = (judge or (lambda ours, theirs: max(ours) < min(theirs)))(ours, others)
        answer = {"winner": winner, "its losses": ours, "default's": others, "better": verdict}
        own = {"its losses": [scores[winner], *ours]} if found.get("own") else {}
        return {**answer, **own, **{name: found[name] for name in found if name != "own"}}

    return search


SEARCH = Exercise(
    on_search.check_search,
    {
        "grid, then fresh seeds": experiment(),
        "fewer, judged more often": experiment(tried=20, seeds=range(200, 220)),
        "ten settings, five seeds": experiment(tried=10, seeds=range(50, 55)),
    },
    {
        "its own search score": ("the winner's own search run", experiment(own=True)),
        "one seed for all": (
            "the winner's own search run",
            experiment(search_seeds=[0] * 30, seeds=range(5)),
        ),
        "seeds of the search": (
            "some seeds judged that the search had used",
            experiment(tried=20, search_seeds=range(100, 120), seeds=range(100, 106)),
        ),
        "the lower mean": (
            "the two ranges overlap",
            experiment(judge=lambda ours, theirs: mean(ours) < mean(theirs)),
        ),
        "always better": ("the two ranges overlap", experiment(judge=lambda ours, theirs: True)),
        "never better": ("that is better", experiment(judge=lambda ours, theirs: False)),
        "one run each": ("5 losses at least", experiment(seeds=[100])),
        "one seed five times": ("one seed counts once", experiment(seeds=[100] * 5)),
        "other seeds": ("different seeds", experiment(theirs=range(200, 212))),
        "too many runs": ("and the budget is 60", experiment(tried=50)),
        "hardly a search": ("fewer than eight settings", experiment(tried=4)),
        "invented": ("some loss is not one", experiment(**{"default's": [2.0] * 5})),
        "nothing run": (
            "nothing was run",
            lambda run, default, budget: {
                "winner": 0.5,
                "its losses": [0] * 5,
                "default's": [1] * 5,
                "better": True,
            },
        ),  # fmt: skip
        "other keys": ('return {"winner"', lambda run, default, budget: {"best": 0.7}),
    },
)

EXERCISES = {
    "11.1 importances to believe": BELIEVED,
    "11.2 the score to report": REPORT,
    "11.3 search and judge": SEARCH,
}
