"""Descriptions of one product beside each other, with what the counts see marked in the text.

Every mark is also written out (✓ (2), ✗ colour), since some viewers remove colours and styles.
"""

import html
import re
from collections.abc import Mapping
from typing import NamedTuple

from helpers import metrics

LOOKS = {  # kind of mark -> tag, background
    "covered": ("b", "#d6efe4"),
    "colour": ("u", "#f9d9c6"),
    "number": ("u", "#f9d9c6"),
    "attached": ("u", "#fbecc0"),
}
REACH = 5  # tokens: how far the thing that is counted may follow its number


class Mark(NamedTuple):
    """A stretch of a text and what the counts say about it."""

    start: int  # characters
    end: int
    kind: str  # covered, colour, number or attached
    feature: int = 0  # which feature of the row is covered, from 1


class _Word(NamedTuple):
    start: int
    end: int
    stems: list[str]


def find_marks(product: Mapping[str, str], text: str) -> list[Mark]:
    """What the metrics find in a description, as places in it.

    - covered: the words of a feature that `metrics.covered` accepts, where they first do
    - colour: a colour that the row does not hold
    - number: a number that the row does not hold
    - attached: a number of the row, followed by a word of another feature and by none of its own.
      A rule for numbers only: other misattached features take a reader.

    Args:
        product: name, features (joined by ", ") and color.

    Returns:
        Marks in the order of the text, without overlap; where two meet, a fault wins.

    Source: notebooks/07_evaluation.ipynb, section 7.9.
    """
    words = _words(text)
    faults = _wrong_colors(product, text) + _numbers(product, words)
    found: list[Mark] = []
    for mark in faults + _covered(product["features"].split(", "), text, words):
        if all(mark.end <= other.start or other.end <= mark.start for other in found):
            found.append(mark)
    return sorted(found)


def side_by_side(
    product: Mapping[str, str],
    texts: Mapping[str, str],
    notes: Mapping[str, str] | None = None,
) -> str:
    """HTML: the product on top, below it one column a system.

    Args:
        product: name, features and color.
        texts: system -> description.
        notes: system -> a line below its description, such as a reader's label.

    Source: notebooks/07_evaluation.ipynb, section 7.9.
    """
    features = product["features"].split(", ")
    numbered = " · ".join(f"({i}) {feature}" for i, feature in enumerate(features, start=1))
    columns = {
        system: [
            _text_html(text, find_marks(product, text)),
            _not_found(product, text),
            html.escape((notes or {}).get(system, "")),
        ]
        for system, text in texts.items()
    }
    cell = '<td style="text-align: left; vertical-align: top; white-space: normal">{}</td>'
    rows = ["".join(f"<th>{html.escape(system)}</th>" for system in columns)]
    for cells in zip(*columns.values(), strict=True):
        if any(cells):
            rows.append("".join(cell.format(content) for content in cells))
    return (
        f"<p><b>{html.escape(product['name'])}</b> · {html.escape(product['color'])} · "
        f"{html.escape(numbered)}</p>\n"
        f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
    )


def _words(text: str) -> list[_Word]:
    """Words with their places; a number of several words ("two hundred") is one."""
    found: list[_Word] = []
    for match in re.finditer(r"\S*\w[%°]?|[^\s\w]+", text):  # without the comma behind a word
        stems = metrics.stems(match.group())
        if found:
            last = found[-1]
            together = metrics.stems(text[last.start : match.end()])
            if len(together) < len(last.stems) + len(stems):
                found[-1] = _Word(last.start, match.end(), together)
                continue
            stems = together[len(last.stems) :]  # a unit is known by the number before it
        found.append(_Word(match.start(), match.end(), stems))
    return found


def _covered(features: list[str], text: str, words: list[_Word]) -> list[Mark]:
    marks = []
    for number, feature in enumerate(features, start=1):
        content = set(metrics.stems(feature)) - metrics.STOP_WORDS
        for word in _first_mention(feature, text, words):
            if content & set(word.stems):
                marks.append(Mark(word.start, word.end, "covered", number))
    return marks


def _first_mention(feature: str, text: str, words: list[_Word]) -> list[_Word]:
    """The shortest stretch that ends first and covers the feature; empty where none does."""

    def covers(part: list[_Word]) -> bool:
        return metrics.covered(feature, text[part[0].start : part[-1].end])

    end = next((end for end in range(1, len(words) + 1) if covers(words[:end])), 0)
    start = next((start for start in reversed(range(end)) if covers(words[start:end])), 0)
    return words[start:end]


def _wrong_colors(product: Mapping[str, str], text: str) -> list[Mark]:
    wrong = set(metrics.wrong_colors(metrics.source_text(product), text))
    return [
        Mark(*match.span(), "colour")
        for match in re.finditer(r"[a-z]+", text.lower())
        if match.group() in wrong
    ]


def _numbers(product: Mapping[str, str], words: list[_Word]) -> list[Mark]:
    """Numbers that are not in the row, and numbers that stand by another feature's word."""
    features = [metrics.stems(feature) for feature in product["features"].split(", ")]
    marks = []
    for i, word in enumerate(words):
        for place, stem in enumerate(word.stems):
            if not stem[0].isdigit():
                continue
            if metrics.invented_numbers(metrics.source_text(product), stem):
                marks.append(Mark(word.start, word.end, "number"))
                continue
            before = [s for w in words[:i] for s in w.stems] + word.stems[:place]
            after = word.stems[place + 1 :] + [s for w in words[i + 1 :] for s in w.stems]
            if _stands_by_another(stem, before[-2:], after[:REACH], features):
                marks.append(Mark(word.start, word.end, "attached"))
    return marks


def _stands_by_another(
    number: str, before: list[str], after: list[str], features: list[list[str]]
) -> bool:
    own = {stem for feature in features if number in feature for stem in feature}
    other = {stem for feature in features if number not in feature for stem in feature}
    words = [stem for stem in after if stem not in metrics.STOP_WORDS]
    return bool(words and words[0] in other - own and own and not own & {*before, *words})


def _not_found(product: Mapping[str, str], text: str) -> str:
    features = enumerate(product["features"].split(", "), start=1)
    missing = [f"({i}) {feature}" for i, feature in features if not metrics.covered(feature, text)]
    if not metrics.names_color(product["color"], text):
        missing.append(product["color"])
    return "not found: " + html.escape(" · ".join(missing)) if missing else "all found"


def _text_html(text: str, marks: list[Mark]) -> str:
    pieces, place = [], 0
    for i, mark in enumerate(marks):
        tag, background = LOOKS[mark.kind]
        goes_on = i + 1 < len(marks) and marks[i + 1][2:] == mark[2:] and (
            not text[mark.end : marks[i + 1].start].strip()
        )  # fmt: skip
        note = f"✓ ({mark.feature})" if mark.kind == "covered" else f"✗ {mark.kind}"
        style = f"background: {background}; color: #111"  # dark letters, also in a dark theme
        pieces += [
            html.escape(text[place : mark.start]),
            f'<{tag} style="{style}">{html.escape(text[mark.start : mark.end])}',
            f"</{tag}>" + ("" if goes_on else f"<sup>{note}</sup>"),
        ]
        place = mark.end
    return "".join(pieces) + html.escape(text[place:])
