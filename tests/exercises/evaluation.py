"""Answers to the exercises of notebooks/07_evaluation.ipynb, right ones and usual mistakes."""

import math
import re

import numpy as np
import torch
from scipy.stats import binomtest
from transformers import RepetitionPenaltyLogitsProcessor

from exercises import Exercise
from helpers.checks import evaluation as on_evaluation

Z = 1.959964


def wilson(hits: int, n: int, z: float = Z) -> tuple[float, float]:
    share = hits / n
    middle = share + z**2 / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)


def wald(hits: int, n: int) -> tuple[float, float]:
    share = hits / n
    half = Z * math.sqrt(share * (1 - share) / n)
    return share - half, share + half


def library(hits: int, n: int, method: str = "wilson") -> list[float]:
    interval = binomtest(hits, n).proportion_ci(method=method)
    return [interval.low, interval.high]


NO_WIDTH = "for 0 of 100 yours is [0, 0]: the error is taken at the observed rate"

RATE_INTERVAL = Exercise(
    on_evaluation.check_rate_interval,
    {
        "by the formula": wilson,
        "z as 1.96": lambda hits, n: wilson(hits, n, 1.96),
        "a list from the library": library,
        "an array": lambda hits, n: np.array(wilson(hits, n)),
        "three digits": lambda hits, n: tuple(round(edge, 3) for edge in wilson(hits, n, 1.96)),
    },
    {
        "the usual formula": (NO_WIDTH, wald),
        "the usual formula, clipped": (
            NO_WIDTH,
            lambda hits, n: (max(0, wald(hits, n)[0]), min(1, wald(hits, n)[1])),
        ),
        "the rate itself": (
            "0 of 100 gets no width at all",
            lambda hits, n: (hits / n, hits / n),
        ),
        "90 %": ("that is a 90 % interval", lambda hits, n: wilson(hits, n, 1.644854)),
        "Clopper and Pearson": (
            "Clopper and Pearson's interval",
            lambda hits, n: library(hits, n, "exact"),
        ),
        "no division": (
            "the division by 1 + z²/n is missing",
            lambda hits, n: tuple(edge * (1 + Z**2 / n) for edge in wilson(hits, n)),
        ),
        "percentages": (
            "these are percentages",
            lambda hits, n: tuple(100 * edge for edge in wilson(hits, n)),
        ),
        "two digits": (
            "right up to rounding",
            lambda hits, n: tuple(round(edge, 2) for edge in wilson(hits, n)),
        ),
        "z as 2": (
            "not Wilson's: for 0 of 100 yours is [0.000, 0.038]",
            lambda hits, n: wilson(hits, n, 2),
        ),
        "high first": ("the wrong way round", lambda hits, n: wilson(hits, n)[::-1]),
        "one number": ("return a pair (low, high), not 0.5", lambda hits, n: 0.5),
        "nothing": ("return a pair (low, high), not None", lambda hits, n: None),
        "three of n": (
            "not Wilson's: for 0 of 100 yours is [0.000, 0.030]",
            lambda hits, n: (0.0, 3 / n) if hits == 0 else wilson(hits, n),
        ),
        "wrong in one case": (
            "not Wilson's: for 3 of 20 yours is",
            lambda hits, n: wald(hits, n) if n == 20 else wilson(hits, n),
        ),
        "nan": (
            "not Wilson's: for 100 of 100 yours is [nan, nan]",
            lambda hits, n: (math.nan, math.nan) if hits == n else wilson(hits, n),
        ),
    },
)


def put_before(words: str, flags: int = re.IGNORECASE):
    return lambda text, feature: re.sub(
        re.escape(feature), rf"{words} \g<0>", text, count=1, flags=flags
    )


def deny_behind(text: str, feature: str) -> str:
    return re.sub(re.escape(feature), r"\g<0>, missing here,", text, count=1, flags=re.IGNORECASE)


def deny_everything(text: str, feature: str) -> str:
    return f"There is no {feature}. 24 litres, 1.2 L, roll-top closure, hidden pocket, " + (
        "stay-cool handle."
    )


def deny_at_the_end(text: str, feature: str) -> str:
    return f"{text} It has no {feature}."


def lose_another(text: str, feature: str) -> str:
    return put_before("no")(text.replace("hidden pocket", "hidden place"), feature)


DENY = Exercise(
    on_evaluation.check_deny,
    {
        "no": put_before("no"),
        "without": put_before("without"),
        "never any": put_before("never any"),
        "missing": deny_behind,
        "zero": put_before("zero"),
        "everything but": put_before("everything but"),
        "a curly apostrophe": lambda text, feature: re.sub(
            re.escape(feature), r"\g<0> (there isn’t any)", text, count=1, flags=re.IGNORECASE
        ),
        "replace, with and without a capital": lambda text, feature: text.replace(
            feature, f"no {feature}"
        ).replace(feature.capitalize(), f"No {feature}"),
    },
    {
        "unchanged": ("the text is unchanged", lambda text, feature: text),
        "no capital": ("with a capital, and yours leaves that text", put_before("no", flags=0)),
        "taken out": ("the feature is gone", lambda text, feature: text.replace(feature, "")),
        "another word for it": (
            "the feature is gone",
            lambda text, feature: re.sub(feature, "nothing", text, flags=re.IGNORECASE),
        ),
        "another feature lost": ("another feature was lost: coverage is 0.75", lose_another),
        "a list of denials": ("so a comparison with the written text notices", deny_everything),
        "a remark at the end": (
            "no word of denial stands beside the feature",
            lambda text, feature: f"{text} It is not for sale.",
        ),
        "praise": ("no word of denial stands beside the feature", put_before("not only")),
        "certainty": ("no word of denial stands beside the feature", put_before("no doubt")),
        "promised and denied": ("still promises it in another", deny_at_the_end),
        "a false promise": (
            "no word of denial stands beside the feature",
            put_before("gold-plated"),
        ),
        "nothing": ("return a text, not None", lambda text, feature: None),
        "a list": ("return a text, not ['no']", lambda text, feature: ["no"]),
    },
)


def by_library(logits, prompt, written, penalty):
    rule = RepetitionPenaltyLogitsProcessor(penalty)
    return rule(torch.tensor([prompt + written]), logits.clone()[None])[0]


def punish(logits, seen, penalty, out=None):
    """Each number of `seen` once, in a loop."""
    out = logits.clone() if out is None else out
    for token in seen:
        out[token] = out[token] / penalty if out[token] > 0 else out[token] * penalty
    return out


def divide(logits, prompt, written, penalty):
    out = logits.clone()
    out[sorted({*prompt, *written})] /= penalty
    return out


def subtract(logits, prompt, written, penalty):
    out = logits.clone()
    out[sorted({*prompt, *written})] -= penalty
    return out


PENALIZE = Exercise(
    on_evaluation.check_penalize,
    {
        "the library": by_library,
        "in float64": lambda logits, prompt, written, penalty: punish(
            logits.double(), {*prompt, *written}, penalty
        ),
        "a loop over a set": lambda logits, prompt, written, penalty: punish(
            logits, {*prompt, *written}, penalty
        ),
    },
    {
        "prompt spared": (
            "the prompt's tokens are spared",
            lambda logits, prompt, written, penalty: punish(logits, set(written), penalty),
        ),
        "prompt only": (
            "what was written already is spared",
            lambda logits, prompt, written, penalty: punish(logits, set(prompt), penalty),
        ),
        "always divided": ("a negative logit that is divided grows", divide),
        "always multiplied": (
            "a positive logit that is multiplied grows",
            lambda logits, prompt, written, penalty: divide(logits, prompt, written, 1 / penalty),
        ),
        "rewarded": (
            "the wrong way round",
            lambda logits, prompt, written, penalty: punish(
                logits, {*prompt, *written}, 1 / penalty
            ),
        ),
        "twice": (
            "a token that was seen twice is punished twice",
            lambda logits, prompt, written, penalty: punish(logits, prompt + written, penalty),
        ),
        "everything": (
            "every token is punished",
            lambda logits, prompt, written, penalty: punish(logits, range(len(logits)), penalty),
        ),
        "nothing punished": (
            "nothing is punished",
            lambda logits, prompt, written, penalty: logits.clone(),
        ),
        "in place": (
            "`logits` itself was changed",
            lambda logits, prompt, written, penalty: punish(
                logits, {*prompt, *written}, penalty, out=logits
            ),
        ),
        "subtracted": ("token 2 has 0.5 before and -1.000 after", subtract),
        "nan": (
            "token 0 has 2.0 before and nan after",
            lambda logits, prompt, written, penalty: logits * math.nan,
        ),
        "one number": (
            "return the logits as a tensor of shape (8,)",
            lambda logits, prompt, written, penalty: logits.sum(),
        ),
        "a list": (
            "return the logits as a tensor of shape (8,)",
            lambda logits, prompt, written, penalty: logits.tolist(),
        ),
    },
)


def reading(finds, reads: int = 4000, rate: float = 0.8, target: float = 0.8, start: int = 4):
    """Exercise 7.4 by simulation: `finds` judges (reads, n) labels of both systems at once."""

    def experiment() -> tuple[float, int]:
        rng = np.random.default_rng(5)

        def share(n: int) -> float:
            ours, rival = rng.random((reads, n)) < rate, rng.random((reads, n)) < 0.5
            return float(finds(ours.astype(float), rival.astype(float)).mean())

        return share(30), next(n for n in range(start, 200, 2) if share(n) >= target)

    return experiment


def paired_by_normal(ours, rival, z=1.96, ddof=0):
    difference = ours - rival
    half = z * difference.std(axis=1, ddof=ddof) / ours.shape[1] ** 0.5
    return difference.mean(axis=1) > half


def paired_by_bootstrap(ours, rival):
    """Drawing rows again is drawing how many of them are -1, 0 and 1."""
    difference, (reads, n) = ours - rival, ours.shape
    shares = np.stack([(difference == value).mean(axis=1) for value in (-1, 0, 1)], axis=1)
    drawn = np.random.default_rng(6).multinomial(n, shares[:, None], size=(reads, 200))
    return np.percentile(drawn[..., 2] - drawn[..., 0], 2.5, axis=1) > 0


def edges(labels):
    n = labels.shape[1]
    pairs = np.array([wilson(hits, n) for hits in range(n + 1)])
    return pairs[labels.sum(axis=1).astype(int)].T


def by_newcombe(ours, rival):
    (low, _), (_, high) = edges(ours), edges(rival)
    a, b = ours.mean(axis=1), rival.mean(axis=1)
    return a - b - np.sqrt((a - low) ** 2 + (high - b) ** 2) > 0


NO_OVERLAP = "you ask that the two intervals do not overlap"
ALWAYS = "at 30 rows yours is always or never"

READING = Exercise(
    on_evaluation.check_reading_experiment,
    {
        "paired, normal": reading(paired_by_normal),
        "paired, n - 1": reading(lambda a, b: paired_by_normal(a, b, ddof=1)),
        "paired, bootstrap": reading(paired_by_bootstrap, reads=400, start=34),
        "Newcombe's interval": reading(by_newcombe),
        "an array": lambda: np.array([0.71, 38]),
    },
    {
        "no overlap": (NO_OVERLAP, reading(lambda a, b: edges(a)[0] > edges(b)[1])),
        "one-sided": (
            "that is the share of a one-sided test",
            reading(lambda a, b: paired_by_normal(a, b, z=1.645)),
        ),
        "the rival is known": (
            "the rival's rate is taken as known",
            reading(lambda a, b: edges(a)[0] > 0.5),
        ),
        "any difference": (
            "a difference above 0 is not enough",
            reading(lambda a, b: a.mean(axis=1) > b.mean(axis=1)),
        ),
        "one read": (ALWAYS, reading(paired_by_normal, reads=1)),
        "expected counts": (ALWAYS, lambda: (1.0, 19)),
        "half of the reads": (
            "rows are too few: at 30 rows the share is still below 0.8",
            reading(paired_by_normal, target=0.5),
        ),
        "nine of ten": ("rows are too many", reading(paired_by_normal, target=0.92)),
        "another rate": ("does not find it in", reading(paired_by_normal, rate=0.75)),
        "a percentage": ("the share is a percentage", lambda: (71.0, 38)),
        "swapped": ("the pair is swapped", lambda: (38, 0.71)),
        "swapped, more rows": ("the pair is swapped", lambda: (380.0, 0.71)),
        "half a row": ("is no share and a number of rows", lambda: (0.71, 37.5)),
        "nan": ("is no share and a number of rows", lambda: (math.nan, 38)),
        "one number": ("return a pair (share at 30 rows, rows needed), not 0.7", lambda: 0.7),
        "nothing": ("rows needed), not None", lambda: None),
    },
)

EXERCISES = {
    "07 rate_interval": RATE_INTERVAL,
    "07 deny": DENY,
    "07 penalize": PENALIZE,
    "07 reading_experiment": READING,
}
