"""Checks of the exercises in notebooks/11_hyperparameters.ipynb."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from helpers.checks import check, recorded

NAMES = ("rate", "batch", "passes")  # of the toy studies
DEFAULT, BUDGET = 0.2, 60  # of the toy job of exercise 11.3
FRESH = 5  # runs of each setting that a verdict needs
TRIALS = 20  # of the toy search of exercise 11.2
_TOY_NOISE = 0.05


def toy_study(number: int) -> tuple[list[dict[str, float]], list[float]]:
    """Settings and scores of a toy search; 0 and 1 are pure noise, in 2 the rate matters."""
    seed, trials, effect = ((13, 20, 0.0), (6, 20, 0.0), (2, 60, 1.0))[number]
    rng = np.random.default_rng(seed)
    settings = rng.uniform(size=(trials, len(NAMES)))
    scores = effect * settings[:, 0] + rng.normal(0, _TOY_NOISE, trials)
    rows = [dict(zip(NAMES, row, strict=True)) for row in settings.tolist()]
    return rows, scores.tolist()


def toy_importances(settings: list[dict[str, float]], scores: list[float]) -> dict[str, float]:
    """How far the best tenth of the trials lies from all, in each parameter; not a share."""
    table = np.array([list(setting.values()) for setting in settings])
    best = np.argsort(scores)[: max(2, len(scores) // 10)]
    apart = (table[best].mean(0) - table.mean(0)) / table.std(0)
    return dict(zip(settings[0], (apart**2).tolist(), strict=True))


def _above_chance(settings: list[dict], scores: list[float]) -> set[str]:
    found, rng = toy_importances(settings, scores), np.random.default_rng(0)
    chance = [toy_importances(settings, rng.permutation(scores)) for _ in range(200)]
    return {n for n in found if found[n] > np.quantile([one[n] for one in chance], 0.95)}


@check
def check_believed(believed: Callable) -> str | None:
    """Exercise 11.1: settings, scores, importances -> names above what shuffled scores give."""
    for number in range(3):
        settings, scores = toy_study(number)
        right, asked = _above_chance(settings, scores), [0]

        def importances(some: list[dict], values: list[float], asked: list = asked) -> dict:
            asked[0] += 1
            return toy_importances(some, list(values))

        found = believed([dict(setting) for setting in settings], list(scores), importances)
        if not isinstance(found, set) or not found <= set(NAMES):
            return f"return a set of names out of {', '.join(NAMES)}; it may be empty"
        shares = toy_importances(settings, scores)
        shares = {name: value / sum(shares.values()) for name, value in shares.items()}
        top = max(shares, key=shares.get)
        if found == right and asked[0] >= 50:
            continue
        if 1 < asked[0] < 50:
            return "so few shuffles can't show what chance gives: take 100 or more"
        if found and not right and asked[0] <= 1:
            return (
                f"these scores are pure noise, and still {top!r} has {shares[top]:.0%} of the "
                "importance: shares sum to 1 whether anything matters or not"
            )
        if asked[0] <= 1:
            return "nothing was shuffled: how large an importance does chance alone give here?"
        if found and not right:
            return (
                f"pure noise, and {' and '.join(sorted(found))} was believed: above the middle of "
                "the shuffles lies half of all noise, so compare with their 95 % point"
            )
        if right and not found:
            return f"{', '.join(right)} stands above 95 % of the shuffles, and was not believed"
        return f"toy_study({number}): not {sorted(found)}; compare each name with its own shuffles"
    return None


def toy_job(gain: float, number: int = 0) -> Callable[[float, int], float]:
    """A toy: (setting between 0 and 1, seed) -> loss.

    Args:
        gain: what the best setting is worth; 0 where nothing matters.
        number: another one draws other noise.
    """

    def run(setting: float, seed: int) -> float:
        if not 0 <= setting <= 1:
            raise ValueError(f"setting {setting} lies outside 0 to 1")
        rng = np.random.default_rng([number, int(seed), round(float(setting) * 10**9)])
        bowl = gain * math.exp(-(((setting - 0.7) / 0.2) ** 2))
        return float(1 - bowl + rng.normal(0, _TOY_NOISE))

    return run


def toy_search(gain: float = 0.0) -> tuple[list[dict], Callable[[float, int], float]]:
    """Twenty trials of a toy job, trial n with seed n, and the job itself."""
    run, settings = toy_job(gain), np.random.default_rng(1).uniform(size=TRIALS).round(3).tolist()
    trials = [{"setting": s, "seed": n, "NLL": run(s, n)} for n, s in enumerate(settings)]
    return trials, run


def _lines(results: Mapping[tuple, float]) -> list[tuple[float, int, float]]:
    return [(setting, seed, loss) for (setting, seed), loss in results.items()]


@check
def check_report(report: Callable) -> str | None:
    """Exercise 11.2: trials and a job -> the NLL to state for the winner."""
    for gain in (0.0, 0.5):
        trials, job = toy_search(gain)
        winner = min(trials, key=lambda trial: trial["NLL"])
        run, results = recorded(job)
        found = report([dict(trial) for trial in trials], run)
        if not isinstance(found, int | float):
            return f"return one number, not {type(found).__name__}"
        complaint = _not_fresh(float(found), trials, winner, _lines(results))
        if complaint:
            return complaint
    return None


def _not_fresh(found: float, trials: list[dict], winner: Mapping, asked: list) -> str | None:
    if math.isclose(found, winner["NLL"]):
        return (
            "this is the winner's own search score: it was picked for being the lowest of "
            f"{len(trials)}, so luck is in it"
        )
    if not asked:
        if math.isclose(found, float(np.mean([trial["NLL"] for trial in trials]))):
            return "the mean of all trials: that is what the settings do together, not the winner"
        return "nothing was run: the search's scores alone can't say how lucky the winner was"
    others = {setting for setting, _, _ in asked} - {winner["setting"]}
    if others and not any(setting == winner["setting"] for setting, _, _ in asked):
        return "another setting was run: the winner is the trial with the *lowest* NLL"
    if others:
        return "fresh runs of several settings: whoever picks among them again picks luck again"
    if any(seed in {trial["seed"] for trial in trials} for _, seed, _ in asked):
        return f"a seed of the search was used again: take seeds beyond {len(trials) - 1}"
    losses = [loss for _, _, loss in asked]
    if len(losses) < 3:
        return "fewer than three fresh runs: one may be lucky itself"
    if math.isclose(found, min(losses)):
        return "the best of the fresh runs: that is a best of several once more; take their mean"
    if not math.isclose(found, float(np.mean(losses))):
        return "not the mean of the fresh runs that were made"
    return None


@check
def check_search(search: Callable) -> str | None:
    """Exercise 11.3: a job, its default, a budget -> winner, losses of both, and a verdict."""
    for gain, number in ((0.5, 0), (0.0, 1), (0.0, 2), (0.0, 3), (0.0, 4)):
        run, results = recorded(toy_job(gain, number))
        found, asked = search(run, DEFAULT, BUDGET), _lines(results)
        complaint = _no_experiment(found, asked) or _no_verdict(found, asked, gain > 0)
        if complaint:
            return complaint
    return None


def _no_experiment(found: Mapping, asked: list) -> str | None:
    if not isinstance(found, dict) or set(found) != {"winner", "its losses", "default's", "better"}:
        return 'return {"winner": ..., "its losses": ..., "default\'s": ..., "better": ...}'
    if not asked:
        return "nothing was run: the losses have to come from run(setting, seed)"
    if len(asked) > BUDGET:
        return f"{len(asked)} runs, and the budget is {BUDGET}, for search and judgement together"
    if len({setting for setting, _, _ in asked}) < 8:
        return "fewer than eight settings were tried: that is hardly a search"
    for name, setting in (("its losses", found["winner"]), ("default's", DEFAULT)):
        losses = found[name]
        if not isinstance(losses, list | tuple) or len(losses) < FRESH:
            return f"{name}: {FRESH} losses at least, one a seed; the noise is as large as it is"
        if any(_seed_of(loss, setting, asked) is None for loss in losses):
            return f"{name}: some loss is not one that a run of that setting gave"
        if len(set(losses)) < FRESH:
            return f"{name}: one seed counts once, however often it is run: take {FRESH} seeds"
    return None


def _seed_of(loss: float, setting: float, asked: list) -> int | None:
    for tried, seed, value in asked:
        if tried == setting and math.isclose(value, loss):
            return seed
    return None


def _no_verdict(found: Mapping, asked: list, right: bool) -> str | None:
    winner, theirs, ours = found["winner"], found["default's"], found["its losses"]
    pairs = ((winner, ours), (DEFAULT, theirs))
    seeds = [{_seed_of(loss, setting, asked) for loss in losses} for setting, losses in pairs]
    judged = {(s, seed) for s, part in zip((winner, DEFAULT), seeds, strict=True) for seed in part}
    searched = {seed for setting, seed, _ in asked if (setting, seed) not in judged}
    settings = [setting for setting, _, _ in asked]
    went_on = any(s not in (winner, DEFAULT) for s in settings[settings.index(winner) :])
    first = asked[settings.index(winner)]
    if went_on and winner != DEFAULT and first[:2] in judged:
        return (
            "the winner's own search run is among its losses: it was picked for being low, so it "
            "flatters"
        )
    if searched & (seeds[0] | seeds[1]):
        return "some seeds judged that the search had used: a verdict needs fresh ones"
    if seeds[0] != seeds[1]:
        return "winner and default were judged on different seeds: use the same for both"
    apart = max(ours) < min(theirs)
    if found["better"] and not apart:
        return "the two ranges overlap: a lower mean alone may be the noise between runs"
    if apart and not found["better"]:
        return "every run of the winner beats every run of the default: that is better"
    if right and not apart:
        return (
            "there is a setting that is clearly better, and the search missed it: try more of them"
        )
    if apart and not right:
        return "nothing matters in this job: these seeds were lucky, so take more of them"
    return None
