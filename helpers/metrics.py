"""Counts on a description that need no judge model: features, colours, numbers.

A metric is a proxy. A list that repeats the row scores full marks, so every table that uses
these also shows the written row and a template filler.
"""

import re
import unicodedata
from functools import cache

from snowballstemmer import stemmer

from helpers.paths import DATA

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety hundred"
_WORD_NUMBERS = {word: str(i) for i, word in enumerate(_SMALL.split())}
_WORD_NUMBERS |= {word: str(10 * i) for i, word in enumerate(_TENS.split(), start=2)}
_WORD_NUMBERS |= {"dozen": "12", "thousand": "1000"}
_UNIT_SPELLINGS = (
    "l litre liter",
    "ml millilitre milliliter",
    "mm millimetre millimeter",
    "cm centimetre centimeter",
    "m metre meter",
    "km kilometre kilometer",
    "g gram",
    "kg kilo kilogram",
    "w watt",
    "v volt",
    "gb gigabyte",
    "tb terabyte",
    "°c degree",
    "% percent",
    "lm lumen",
    "hour h hr",
    "minute min",
    "inch in",
)
_UNITS = {
    spelling: line.split()[0]
    for line in _UNIT_SPELLINGS
    for word in line.split()
    for spelling in (word, word + "s")
}
_STOP_WORDS = frozenset(
    ["a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "into", "is", "it"]
    + ["its", "of", "on", "or", "per", "the", "to", "up", "with", "x"]
)
_TOKEN = re.compile(r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|°c|%|[^\W\d_]+(?:'[^\W\d_]+)*")
NEAR = 5  # tokens: how far a bare number may stand from a word of its feature
SPAN = 20  # tokens: how far apart the words of one feature may stand

_stem = cache(stemmer("english").stemWord)


def stems(text: str) -> list[str]:
    """Lower-cased word stems, numbers as digits, and units in one spelling ("1.7L": 1.7, l)."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    found: list[str] = []
    for token in _TOKEN.findall(text):
        token = _WORD_NUMBERS.get(token.removesuffix("'s"), token)
        if token[0].isdigit():
            token = _plain(token)
        elif found and found[-1][0].isdigit() and token in _UNITS:
            token = _UNITS[token]
        else:
            token = _stem(token)
        found.append(token)
    return found


def _plain(number: str) -> str:
    """One spelling of a number: 1,000 -> 1000, 2.0 -> 2."""
    return f"{float(number.replace(',', '')):.15g}"


def covered(feature: str, text: str) -> bool:
    """Whether the text mentions the feature.

    All content words of the feature, as stems, stand within SPAN tokens of each other. A number
    with a unit stands there with that unit; a bare number stands within NEAR tokens of one of
    the feature's words.
    """
    wanted, said = stems(feature), stems(text)
    words = {s for s in wanted if not s[0].isdigit() and s not in _STOP_WORDS}
    units = set(_UNITS.values())
    pairs = [
        (n, wanted[i + 1] if i + 1 < len(wanted) else "")
        for i, n in enumerate(wanted)
        if n[0].isdigit()
    ]
    for start in range(len(said)):
        window = said[start : start + SPAN]
        if words <= set(window) and all(_number_in(n, u, words - units, window) for n, u in pairs):
            return True
    return False


def _number_in(number: str, after: str, words: set[str], window: list[str]) -> bool:
    for i, token in enumerate(window):
        if token != number:
            continue
        if after in _UNITS.values():
            if i + 1 < len(window) and window[i + 1] == after:
                return True
        elif not words or words & set(window[max(0, i - NEAR) : i + NEAR + 1]):
            return True
    return False


def coverage(features: list[str], text: str) -> float:
    """Share of the features that the text mentions."""
    return sum(covered(feature, text) for feature in features) / len(features)


def names_color(color: str, text: str) -> bool:
    """Whether the colour stands in the text as the row spells it, in any case."""
    return re.search(rf"(?<!\w){re.escape(color)}(?!\w)", text, re.IGNORECASE) is not None


@cache
def color_lexicon() -> frozenset[str]:
    return frozenset((DATA / "colors.txt").read_text(encoding="utf-8").split())


def wrong_colors(source: str, text: str) -> list[str]:
    """Colour words of the text that the source (name, features, colour) does not hold."""
    words, licensed = (re.findall(r"[a-z]+", s.lower()) for s in (text, source))
    return [word for word in words if word in color_lexicon() and word not in licensed]


def invented_numbers(source: str, text: str) -> list[str]:
    """Numbers of the text, in digits or words, that the source does not hold.

    "One" is left out: it is a pronoun more often than a count.
    """
    licensed = {s for s in stems(source) if s[0].isdigit()} | {"1"}
    return [s for s in stems(text) if s[0].isdigit() and s not in licensed]
