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
        "Rain has a way of finding your books. The navy Marlow Backpack keeps them dry under a "
        "roll-top closure, carries 24 litres without complaint and hangs from padded straps. "
        "A hidden pocket minds your keys until you are home.",
        ["roll-top closure", "24 litres", "padded straps", "hidden pocket"],
        "padded straps",
    ),
    (
        "Cordless base and all, the sage Orla Kettle comes to the table. It holds 1.2 L, whistles "
        "when the water is ready and has a stay-cool handle for those who pour at once.",
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
