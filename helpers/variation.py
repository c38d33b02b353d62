"""Variations of a product: what a description has to copy changes, and its grammar stays."""

import random
import re
from collections.abc import Mapping

import pandas as pd

from helpers import metrics

SHARE = 0.7  # of the variations in which a colour (a brand, the numbers) is exchanged
_NUMBER = re.compile(r"(?<![\w.,-])\d[\d.,]*\b(?![%-])")  # not A4, not 100%, not 3-piece


def exchange(text: str, old: str, new: str) -> str:
    """Put one word (or colour, or number) in another's place, with "a" or "an" as it needs."""

    def replacement(found: re.Match) -> str:
        article, word = found[1] or "", new
        if article:
            vowel = re.match(r"[aeiou8]|1[18]\b", new, re.IGNORECASE)
            article = article[0] + ("n " if vowel else " ")
        if found[2][0].isupper():
            word = new[0].upper() + new[1:]
        return article + word

    pattern = rf"(?<![\w.,-])([Aa]n? )?({re.escape(old)})(?![\w-]|[.,]\d)"
    return re.sub(pattern, replacement, text, flags=re.IGNORECASE)


def other_number(number: str, dice: random.Random) -> str:
    """As many digits, the first of them 2 to 9, point and comma where they were."""
    digits = [str(dice.randint(0, 9)) if c.isdigit() else c for c in number]
    return "".join([str(dice.randint(2, 9)), *digits[1:]])


def vary(
    product: Mapping[str, str], others: list[Mapping[str, str]], dice: random.Random
) -> dict[str, str]:
    """A product of the same kind: features in another order, mostly another brand and colour, and
    other numbers, in the fields and in the description alike.

    Args:
        product: name, features, color, description, and whatever else a row has.
        others: rows whose brands (first word of the name) and colours may be taken.
        dice: where chance comes from.

    Returns:
        The varied row. Where the exchange would leave a feature or the colour unsaid, or a colour
        or number that the row does not hold, only the order of the features is another.

    Source: notebooks/06_sft_trainer.ipynb, section 6.3.
    """
    features = product["features"].split(", ")
    dice.shuffle(features)
    shuffled = {**product, "features": ", ".join(features)}
    swaps = {}
    if dice.random() < SHARE:
        swaps[product["color"]] = dice.choice(others)["color"]
    if dice.random() < SHARE:
        swaps[product["name"].split()[0]] = dice.choice(others)["name"].split()[0]
    if dice.random() < SHARE:
        numbers = dict.fromkeys(_NUMBER.findall(product["features"]))
        swaps |= {number: other_number(number, dice) for number in numbers if number != "1"}
    varied = dict(shuffled)
    for field in ("name", "features", "color", "description"):
        for old, new in swaps.items():
            varied[field] = exchange(varied[field], old, new)
    return varied if is_sound(varied) else shuffled


def is_sound(product: Mapping[str, str]) -> bool:
    """Whether the counts of notebook 02 find nothing: all said, nothing of it wrong."""
    text, source = product["description"], metrics.source_text(product)
    return (
        metrics.coverage(product["features"].split(", "), text) == 1
        and product["name"] in text
        and metrics.names_color(product["color"], text)
        and not metrics.wrong_colors(source, text)
        and not metrics.invented_numbers(source, text)
    )


def passes(products: pd.DataFrame, number: int, seed: int) -> pd.DataFrame:
    """The rows of so many passes, one after the other: the first as written, the others varied.

    Returns:
        number x len(products) rows with the columns of `products`, each pass in a new order.

    Source: notebooks/06_sft_trainer.ipynb, section 6.3.
    """
    dice = random.Random(seed)
    rows, made = products.to_dict("records"), []
    for i in range(number):
        some = rows if i == 0 else [vary(row, rows, dice) for row in rows]
        made += dice.sample(some, len(some))
    return pd.DataFrame(made, columns=products.columns)
