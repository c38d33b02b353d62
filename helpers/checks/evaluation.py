"""Checks for notebooks/07_evaluation.ipynb."""

import math
import re
from collections.abc import Callable

import torch
from sacrebleu.metrics import CHRF
from scipy.stats import binomtest
from transformers import RepetitionPenaltyLogitsProcessor

from helpers import metrics
from helpers.checks import check

Pair = tuple[float, float]
NEAR = 0.0008  # both edges together; edges that are rounded to three digits are near


def _wald(hits: int, n: int) -> Pair:
    share, z = hits / n, 1.959964
    half = z * math.sqrt(share * (1 - share) / n)
    return share - half, share + half


def _wilson(hits: int, n: int, confidence: float = 0.95) -> Pair:
    low, high = binomtest(hits, n).proportion_ci(confidence, method="wilson")
    return float(low), float(high)


def _exact(hits: int, n: int) -> Pair:
    low, high = binomtest(hits, n).proportion_ci(method="exact")
    return float(low), float(high)


@check
def check_rate_interval(rate_interval: Callable[[int, int], Pair]) -> str | None:
    """Exercise 7.1: (hits, n) -> Wilson's 95 % interval of a rate."""
    cases = [(0, 100), (100, 100), (37, 100), (3, 20), (1, 7)]
    found = []
    for case in cases:
        answer = rate_interval(*case)
        try:
            low, high = map(float, answer)  # a tuple, a list, an array or a tensor
        except (TypeError, ValueError):
            return f"return a pair (low, high), not {answer!r}"
        found.append((low, high))

    def same(wanted: list[Pair], tolerance: float = NEAR) -> bool:
        edges = zip(found, wanted, strict=True)
        return all(math.dist(a, b) <= tolerance for a, b in edges)  # a nan is never near

    right = [_wilson(*case) for case in cases]
    if same(right):
        return None
    if same([(round(low, 2), round(high, 2)) for low, high in right], 1e-9):
        return "right up to rounding: return the edges as they are"
    if same([(high, low) for low, high in right]):
        return "the pair is the wrong way round: low comes first"
    if same([(100 * low, 100 * high) for low, high in right], 0.05):
        return "these are percentages: return shares between 0 and 1"
    clipped = [(max(low, 0.0), min(high, 1.0)) for low, high in (_wald(*case) for case in cases)]
    if same([_wald(*case) for case in cases]) or same(clipped):
        return (
            "for 0 of 100 yours is [0, 0]: the error is taken at the observed rate, where it is "
            "0, so a sample of 100 would prove that it never happens"
        )
    if same([_wilson(*case, confidence=0.90) for case in cases]):
        return "that is a 90 % interval: z is 1.96, since 2.5 % lie beyond it on each side"
    if same([_exact(*case) for case in cases]):
        return "that is Clopper and Pearson's interval, which is wider; Wilson's is asked for"
    if same([tuple(edge * (1 + 1.959964**2 / n) for edge in _wilson(k, n)) for k, n in cases]):
        return "the division by 1 + z²/n is missing"
    if found[0] == (0.0, 0.0):
        return "0 of 100 gets no width at all: [0, 0] is not an interval"
    far = [not math.dist(a, b) <= NEAR for a, b in zip(found, right, strict=True)]
    wrong = far.index(True)
    hits, n = cases[wrong]
    low, high = found[wrong]
    return f"not Wilson's: for {hits} of {n} yours is [{low:.3f}, {high:.3f}]"


DENIALS = re.compile(
    r"\b(no|not|non|never|without|neither|nor|lacks?|lacking|missing|hardly|isn't|hasn't|doesn't|"
    r"don't|can't|won't|cannot|minus|free of|instead of|anything but|far from|zero|none|nothing|"
    r"nowhere|absent|barely|scarcely|excluding|except|devoid|everything but|sold separately)\b|"
    r"n't\b",
    re.IGNORECASE,
)
AFFIRMATIONS = re.compile(  # words of denial that deny nothing
    r"\b(not (only|just|merely)|no (doubt|less)|(not|never) without)\b", re.IGNORECASE
)
DESCRIPTIONS = [  # description, its features, the one to deny
    (
        "The navy Marlow Backpack closes with a roll-top closure and carries 24 litres. It hangs "
        "from padded straps, and on the back there is a hidden pocket. The backpack is made of "
        "waxed cotton and comes with a rain cover.",
        ["roll-top closure", "24 litres", "padded straps", "hidden pocket"],
        "padded straps",
    ),
    (
        "Cordless base and lid are part of the Orla Kettle in sage green. It holds 1.2 L and has a "
        "stay-cool handle. The kettle is made of brushed steel and comes with a limescale filter.",
        ["cordless base", "1.2 L", "stay-cool handle"],
        "cordless base",
    ),
]


def _denied(text: str, feature: str) -> list[bool]:
    """For each mention, whether a word of denial stands just before it or just behind it."""
    text = text.replace("’", "'")
    denied = []
    for match in re.finditer(re.escape(feature), text, re.IGNORECASE):
        before = re.findall(r"[\w'-]+", text[: match.start()].split(".")[-1])[-4:]
        after = re.findall(r"[\w'-]+", text[match.end() :].split(".")[0])[:3]
        near = (AFFIRMATIONS.sub("", " ".join(words)) for words in (before, after))
        denied.append(any(DENIALS.search(words) for words in near))
    return denied


@check
def check_deny(deny: Callable[[str, str], str]) -> str | None:
    """Exercise 7.2: (description, feature) -> a false text that coverage and chrF let pass."""
    for description, features, feature in DESCRIPTIONS:
        text = deny(description, feature)
        if not isinstance(text, str):
            return f"return a text, not {text!r}"
        if text == description:
            start = description.lower().startswith(feature)
            return (
                "the feature stands at the start of a sentence once, with a capital, and yours "
                "leaves that text as it was"
                if start
                else "the text is unchanged, so it is still true"
            )
        covers = metrics.coverage(features, text)
        chrf = CHRF().sentence_score(text, [description]).score
        if not metrics.covered(feature, text):
            return "the feature is gone, and coverage notices that: leave its words, and deny them"
        if covers < 1:
            return f"another feature was lost: coverage is {covers:.2f}"
        denied = _denied(text, feature)
        if not any(denied):
            return "no word of denial stands beside the feature: a customer would still expect it"
        if not all(denied):
            return "the text denies the feature in one place and still promises it in another"
        if chrf < 90:
            return (
                f"chrF is {chrf:.1f}, so a comparison with the written text notices: keep its "
                "sentences, and change one word"
            )
    return None


def _punish(logits: torch.Tensor, seen: list[int], penalty: float) -> torch.Tensor:
    """Once for each time that the token stands in `seen`."""
    punished = logits.clone()
    for token in seen:
        score = punished[token]
        punished[token] = score / penalty if score > 0 else score * penalty
    return punished


@check
def check_penalize(
    penalize: Callable[[torch.Tensor, list[int], list[int], float], torch.Tensor],
) -> str | None:
    """Exercise 7.3: logits after the repetition penalty, as `generate` computes them."""
    logits = torch.tensor([2.0, -1.0, 0.5, -3.0, 4.0, 1.0, -0.5, 3.0])
    prompt, written, penalty = [0, 1, 4, 4], [2, 3, 3, 2, 0], 1.5
    seen = [*prompt, *written]
    library = RepetitionPenaltyLogitsProcessor(penalty)
    wanted = library(torch.tensor([seen]), logits.clone()[None])[0]
    given = logits.clone()
    answer = penalize(given, list(prompt), list(written), penalty)
    if not torch.is_tensor(answer) or answer.shape != logits.shape:
        return f"return the logits as a tensor of shape {tuple(logits.shape)}"

    answer = answer.float()  # a result in float64 is right, too

    def same(other: torch.Tensor) -> bool:
        return torch.allclose(answer, other, rtol=1e-5, atol=1e-6)

    if same(wanted):
        changed = not torch.equal(given, logits)
        return (
            "the values are right, but `logits` itself was changed: clone it" if changed else None
        )
    if same(logits):
        return "nothing is punished"
    if same(_punish(logits, sorted(set(written)), penalty)):
        return (
            "the prompt's tokens are spared: `generate` counts them as seen, and they are the "
            "name, the colour and the features"
        )
    if same(_punish(logits, sorted(set(prompt)), penalty)):
        return "what was written already is spared: it counts as seen, beside the prompt"
    was_seen = torch.isin(torch.arange(len(logits)), torch.tensor(seen))
    if same(torch.where(was_seen, logits / penalty, logits)):
        return "a negative logit that is divided grows: it has to be multiplied"
    if same(torch.where(was_seen, logits * penalty, logits)):
        return "a positive logit that is multiplied grows: it has to be divided"
    if same(_punish(logits, sorted(set(seen)), 1 / penalty)):
        return "the wrong way round: what was seen grows, instead of being punished"
    if same(_punish(logits, seen, penalty)):
        return "a token that was seen twice is punished twice: once is enough"
    everything = list(range(len(logits)))
    if same(_punish(logits, everything, penalty)):
        return "every token is punished, also those that were not seen"
    token = int((answer - wanted).abs().nan_to_num(math.inf).argmax())
    return f"token {token} has {logits[token]:.1f} before and {answer[token]:.3f} after the penalty"


POWER, ROWS = (0.64, 0.76), (31, 46)  # usual intervals of a difference give 0.69 to 0.73, 36 to 41
READING_MISTAKES = [  # the share at 30 rows lies in, and what gives such a share
    (
        (0.30, 0.45),
        "you ask that the two intervals do not overlap, which is too strict: take the interval of "
        "the paired difference",
    ),
    (
        (0.79, 0.86),
        "that is the share of a one-sided test at 5 %: 2.5 % lie beyond the interval on each side",
    ),
    (
        (0.90, 0.97),
        "the rival's rate is taken as known: it has to be read on 30 rows, too, and so it varies",
    ),
    (
        (0.97, 0.9999),
        "a difference above 0 is not enough: the whole interval has to lie above 0",
    ),
]


@check
def check_reading_experiment(
    reading_experiment: Callable[[], tuple[float, int]],
) -> str | None:
    """Exercise 7.4: () -> (share of reads of 30 rows that find a difference, rows for 0.8)."""
    answer = reading_experiment()
    try:
        share, rows = map(float, answer)
    except (TypeError, ValueError):
        return f"return a pair (share at 30 rows, rows needed), not {answer!r}"
    if share > 1 and 0 <= rows <= 1:
        return "the pair is swapped: first the share at 30 rows, then the number of rows"
    if 1 < share <= 100:
        return "the share is a percentage: return it between 0 and 1"
    if not 0 <= share <= 1 or not rows >= 1 or rows != int(rows):
        return f"({share:g}, {rows:g}) is no share and a number of rows"
    if share in (0.0, 1.0):
        return (
            "at 30 rows yours is always or never: one read, or the true rates themselves, say "
            "nothing on how often; draw the labels anew, a thousand times"
        )
    if not POWER[0] <= share <= POWER[1]:
        for (low, high), complaint in READING_MISTAKES:
            if low <= share < high:
                return complaint
        return f"a read of 30 rows does not find it in {share:.2f} of cases"
    if not ROWS[0] <= rows <= ROWS[1]:
        few = "too few: at 30 rows the share is still below 0.8" if rows < ROWS[0] else "too many"
        return f"the share at 30 rows is right, but {rows:.0f} rows are {few}"
    return None
