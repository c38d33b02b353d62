"""Checks of the exercises in notebooks/13_your_own_data.ipynb."""

import random
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from helpers.checks import check

HELD_OUT = 0.25


def _families(links: list[tuple[int, int]], spelling: Callable[[str], str]) -> pd.DataFrame:
    """Twenty families of three products; each link gives two of them one text, respelt in one."""
    rows = [
        {"family": f"family {f}", "name": f"product {f}-{i}", "description": f"Text {f}-{i}."}
        for f in range(20)
        for i in range(3)
    ]
    for number, (one, other) in enumerate(links):
        text, place = f"One text, number {number}.", number % 2  # a row carries one link at most
        rows[3 * one + place]["description"] = text
        rows[3 * other + 2]["description"] = spelling(text)
    return pd.DataFrame(rows).sample(frac=1, random_state=len(links), ignore_index=True)


def _tables() -> dict[str, pd.DataFrame]:
    mixed = random.Random(5).sample(range(20), 20)
    pairs = [(i, i + 10) for i in range(10)]
    other_pairs = list(zip(mixed[::2], mixed[1::2], strict=True))
    chains = [(mixed[i], mixed[i + 1]) for i in range(19) if i % 4 != 3]
    return {
        "the same text lies on both sides, under two families: the model has learnt it by heart": (
            _families(pairs, str)
        ),
        "the same text lies on both sides": _families(other_pairs, str),
        "the same text, but for capitals and blanks, lies on both sides": (
            _families(other_pairs, lambda text: text.upper().replace(" ", "  "))
        ),
        "rows hang together over a third one (a family, then a text, then a family): join groups "
        "until nothing changes": _families(chains, str),
    }


@check
def check_split_sides(split_sides: Callable) -> str | None:
    """Exercise 13.1: products and a share -> "train" or "validation" for each row."""
    for sentence, rows in _tables().items():
        sides = list(split_sides(rows.copy(), HELD_OUT))
        if len(sides) != len(rows):
            return f"one side a row: there are {len(rows)} rows, and {len(sides)} sides"
        if set(sides) - {"train", "validation"}:
            return 'a side is "train" or "validation"'
        found, rows = pd.Series(sides, index=rows.index), rows.copy()
        share = (found == "validation").mean()
        if not HELD_OUT / 3 <= share <= 2 * HELD_OUT:
            return f"{share:.2f} of the rows are held out, where {HELD_OUT} were asked for"
        rows["said"] = rows["description"].str.lower().str.split().str.join(" ")
        apart = {name: found.groupby(rows[name]).nunique().max() > 1 for name in ("family", "said")}
        chained = "a third one" in sentence
        if apart["family"] and not chained:
            return "one family lies on both sides: the model has met that kind of product"
        if apart["said"] or apart["family"]:
            return sentence
    return None


_CSV = (
    "color,name,category,features\r\n"
    'None, Orla Kettle ,Kitchen,"1.5 L capacity, steel spout"\r\n'
    "red,NA Lamp,Home,\"['dimmer', 'USB port']\"\r\n"
)
_PROMPTS = [
    "Category: Kitchen\nName: Orla Kettle\nColor: None\n"
    "Features: 1.5 L capacity, steel spout\nDescription:",
    "Category: Home\nName: NA Lamp\nColor: red\nFeatures: dimmer, USB port\nDescription:",
]


@check
def check_prompts_for(prompts_for: Callable) -> str | None:
    """Exercise 13.3: a file of new products -> the prompts that the tuned model knows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new.csv"
        path.write_text(_CSV, encoding="utf-8", newline="")
        found = list(prompts_for(str(path)))
    if found == _PROMPTS:
        return None
    if len(found) != len(_PROMPTS) or not all(isinstance(one, str) for one in found):
        return f"one prompt a product, as text: {len(_PROMPTS)} products, {len(found)} prompts"
    said = found[0]
    if "nan" in said:
        return "a colour called None was read as a missing value, and the prompt says nan"
    if said.strip() == _PROMPTS[0] and said != said.strip():
        return "the prompt does not end in 'Description:': a blank behind it is another token"
    if not said.startswith("Category:") and "Category:" in said and "Description:" in said:
        return "something stands before the first field, or the fields have another order"
    if "  " in said or " \n" in said:
        return "blanks stand around a cell: they were not there in training"
    if not said.endswith("Description:"):
        return "the prompt has to end where the description begins, with 'Description:'"
    if found[0] == _PROMPTS[0] and "[" in found[1]:
        return "features that come as the text of a list reach the prompt with their brackets"
    return f"not training's prompt: {said!r}"


COLORS = ("red", "green", "blue", "black", "white", "amber")
READ = 0.8  # share of the texts that follow the field


def toy_products() -> list[dict[str, str]]:
    """24 products of four categories; in each most are of one colour."""
    rng = random.Random(3)
    return [
        {
            "category": f"category {i % 4}",
            "name": f"Product {i}",
            "color": COLORS[i % 4] if rng.random() < 0.6 else rng.choice(COLORS),
            "features": "light, small",
        }
        for i in range(24)
    ]


def toy_models() -> dict[str, Callable[[list[dict[str, str]]], list[str]]]:
    """Describers that read the colour, know it by heart, guess it, or name every colour."""
    known = {row["name"]: row["color"] for row in toy_products()}

    def writer(color_of: Callable[[Mapping[str, str]], str]) -> Callable:
        return lambda rows: [f"{row['name']} is {color_of(row)}." for row in rows]

    return {
        "reader": writer(lambda row: row["color"]),
        "by heart": writer(lambda row: known[row["name"]]),
        "guesser": writer(lambda row: COLORS[int(row["category"].split()[1])]),
        "every colour": writer(lambda row: ", ".join(COLORS)),
    }


def names(color: str, text: str) -> bool:
    return re.search(rf"\b{color}\b", text) is not None


@check
def check_reads_color(reads_color: Callable) -> str | None:
    """Exercise 13.2: a describer and products -> whether it reads the colour, by experiment."""
    for kind, toy in toy_models().items():
        asked: list[tuple[dict[str, str], str]] = []

        def describe(rows: list, toy: Callable = toy, asked: list = asked) -> list[str]:
            texts = toy([dict(row) for row in rows])
            asked += zip([dict(row) for row in rows], texts, strict=True)
            return texts

        found = reads_color(describe, toy_products())
        complaint = _not_an_experiment(found, asked) or _misread(found, kind == "reader")
        if complaint:
            return complaint
    return None


def _not_an_experiment(found: Mapping, asked: list[tuple[dict[str, str], str]]) -> str | None:
    if not isinstance(found, dict) or set(found) != {"rows", "follows", "reads"}:
        return 'return {"rows": count, "follows": share, "reads": True or False}'
    rows = {row["name"]: row for row in toy_products()}
    if any(row["name"] not in rows for row, _ in asked):
        return "a name was changed: then nobody knows what the text followed"
    changed = [(row, text) for row, text in asked if row != rows[row["name"]]]
    if not changed:
        return (
            "no colour was changed: a model that knows its products by heart, or guesses well, "
            "names the right one, too"
        )
    for row, _ in changed:
        if row != rows[row["name"]] | {"color": row["color"]}:
            return "more than the colour was changed: then nobody knows what the text followed"
    if found["rows"] != len(changed):
        return (
            f"{found['rows']} rows are reported, and {len(changed)} got another colour: a row that "
            "keeps its colour shows nothing"
        )
    if len(changed) < 20:
        return f"{len(changed)} rows are too few to say a share: take 20 or more"
    new = [names(row["color"], text) for row, text in changed]
    old = [names(rows[row["name"]]["color"], text) for row, text in changed]
    follows = sum(n and not o for n, o in zip(new, old, strict=True)) / len(changed)
    if abs(found["follows"] - follows) < 1e-9:
        return None
    if abs(found["follows"] - sum(new) / len(changed)) < 1e-9:
        return "a text that names every colour follows nothing: ask that the old one is gone, too"
    return (
        f"follows is {found['follows']:.2f}, and {follows:.2f} of the texts follow the new colour"
    )


def _misread(found: Mapping, right: bool) -> str | None:
    if found["reads"] == (found["follows"] >= READ) == right:
        return None
    return f"the verdict does not follow from the share: the rule was at least {READ}"
