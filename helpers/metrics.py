"""Counts on a description that need no judge model: features, colours, numbers.

A metric is a proxy. A list that repeats the row scores full marks, so every table that uses
these also shows the written row and a template filler.
"""

import itertools
import re
import unicodedata
from collections.abc import Mapping
from functools import cache

from snowballstemmer import stemmer

from helpers.paths import DATA

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety hundred"
_SPELLED_NUMBERS = {word: i for i, word in enumerate(_SMALL.split())}
_SPELLED_NUMBERS |= {word: 10 * i for i, word in enumerate(_TENS.split(), start=2)}
_SPELLED_NUMBERS |= {"dozen": 12, "thousand": 1000}
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
    "°c celsius",
    "° degree",
    "% percent",
    "lm lumen",
    "hour h hr",
    "minute min",
    "inch",
)
_UNITS = {
    spelling: line.split()[0]
    for line in _UNIT_SPELLINGS
    for word in line.split()
    for spelling in (word, word + "s")
}
_UNIT_NAMES = frozenset(_UNITS.values())
_IMPLIED = {"l": {"capac", "volum"}, "ml": {"capac", "volum"}}  # stems that the unit says already
STOP_WORDS = frozenset(
    ["a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "into", "is", "it"]
    + ["its", "of", "on", "or", "per", "the", "to", "up", "with", "x"]
)
_HALF_A_DOZEN = re.compile(r"\bhalf[ -](?:a )?dozen\b")
_TOKEN = re.compile(r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|°c?|%|[^\W\d_]+(?:'[^\W\d_]+)*")
NEAR = 5  # tokens: how far a bare number may stand from a word of its feature
SPAN = 20  # tokens: how far apart the words of one feature may stand

_stem = cache(stemmer("english").stemWord)


def stems(text: str) -> list[str]:
    """Lower-cased word stems, numbers as digits, and units in one spelling ("1.7L": 1.7, l)."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    text = _HALF_A_DOZEN.sub("6", text)
    found: list[str] = []
    for token in _in_digits(_TOKEN.findall(text)):
        if _is_number(token):
            token = f"{float(token.replace(',', '')):.15g}"  # 1,000 -> 1000, 2.0 -> 2
        elif found and _is_number(found[-1]) and token in _UNITS:
            token = _UNITS[token]
        else:
            token = _stem(token)
        found.append(token)
    return found


def _in_digits(tokens: list[str]) -> list[str]:
    """Spelled numbers as digits: three -> 3, twenty five -> 25, two hundred -> 200."""
    found: list[str] = []
    last = None  # the spelled number that the next word may go on
    for token in tokens:
        value = _SPELLED_NUMBERS.get(token.removesuffix("'s"))
        if value is None:
            found.append(token)
        elif last and value >= 100:
            value *= last
            found[-1] = str(value)
        elif last and last >= 20 and 0 < value < 10:
            value += last
            found[-1] = str(value)
        else:
            found.append(str(value))
        last = value
    return found


def covered(feature: str, text: str) -> bool:
    """Whether the text mentions the feature.

    All content words of the feature, as stems, stand within SPAN tokens of each other; litres
    need no "capacity". A number with a unit stands there with that unit. A bare number stands
    within NEAR tokens of one of the feature's words, with no other number between, and does not
    count another thing ("3 zips").
    """
    wanted, said = stems(feature), stems(text)
    words = {s for s in wanted if not _is_number(s) and s not in STOP_WORDS}
    words -= set().union(*(_IMPLIED.get(s, ()) for s in words))
    numbers = [i for i, s in enumerate(wanted) if _is_number(s)]
    for start in range(len(said)):
        window = said[start : start + SPAN]
        if words <= set(window) and all(
            _number_in(wanted, i, words - _UNIT_NAMES, window) for i in numbers
        ):
            return True
    return False


def _is_number(stem: str) -> bool:
    return stem[0].isdigit()


def _number_in(wanted: list[str], position: int, words: set[str], window: list[str]) -> bool:
    """Whether the number at that position of the feature stands in the window, with its word."""
    unit = wanted[position + 1] if wanted[position + 1 :] else ""  # or the thing that is counted
    for i, token in enumerate(window):
        if token != wanted[position]:
            continue
        after = _up_to_another_number(window[i + 1 : i + 1 + NEAR], wanted)
        before = _up_to_another_number(window[max(0, i - NEAR) : i][::-1], wanted)
        counts_another_thing = unit and after and after[0] not in STOP_WORDS.union(wanted)
        if unit in _UNIT_NAMES:
            if after and after[0] == unit:
                return True
        elif not words or words & set(after) or (words & set(before) and not counts_another_thing):
            return True
    return False


def _up_to_another_number(tokens: list[str], wanted: list[str]) -> list[str]:
    return list(itertools.takewhile(lambda t: t in wanted or not _is_number(t), tokens))


def coverage(features: list[str], text: str) -> float:
    """Share of the features that the text mentions."""
    return sum(covered(feature, text) for feature in features) / len(features)


def names_color(color: str, text: str) -> bool:
    """Whether the colour stands in the text as the row spells it, in any case."""
    return re.search(rf"(?<!\w){re.escape(color)}(?!\w)", text, re.IGNORECASE) is not None


@cache
def color_lexicon() -> frozenset[str]:
    return frozenset((DATA / "colors.txt").read_text(encoding="utf-8").split())


def counts(product: Mapping[str, str], text: str) -> dict[str, float | bool]:
    """What the course counts in a description.

    Args:
        product: name, features (joined by ", ") and color.

    Returns:
        coverage (0 to 1), colour named, wrong colour, invented number.

    Source: notebooks/06_sft_trainer.ipynb, section 6.2.
    """
    source = source_text(product)
    return {
        "coverage": coverage(product["features"].split(", "), text),
        "colour named": names_color(product["color"], text),
        "wrong colour": bool(wrong_colors(source, text)),
        "invented number": bool(invented_numbers(source, text)),
    }


def source_text(product: Mapping[str, str]) -> str:
    """All that a description may take its colours and numbers from."""
    return f"{product['name']} {product['features']} {product['color']}"


def wrong_colors(source: str, text: str) -> list[str]:
    """Colour words of the text that the source (name, features, colour) does not hold."""
    words, licensed = (re.findall(r"[a-z]+", s.lower()) for s in (text, source))
    return [word for word in words if word in color_lexicon() and word not in licensed]


def invented_numbers(source: str, text: str) -> list[str]:
    """Numbers of the text, in digits or words, that the source does not hold.

    "One" is left out: it is a pronoun more often than a count.
    """
    licensed = {s for s in stems(source) if _is_number(s)} | {"1"}
    return [s for s in stems(text) if _is_number(s) and s not in licensed]
