"""Answers to the exercises of notebooks/13_your_own_data.ipynb, right ones and usual mistakes."""

import json
import random

import pandas as pd

from exercises import Exercise
from helpers import products, splits
from helpers.checks import your_own_data as on_own
from helpers.prompts import product_prompt


def whole_groups(group_of, smallest_first=True):
    """An answer to 13.1 that deals out whole groups."""

    def split_sides(rows, held_out):
        groups = group_of(rows)
        taken, chosen = 0, set()
        for group, size in groups.value_counts(ascending=smallest_first, sort=True).items():
            if taken + size <= held_out * len(rows):
                chosen.add(group)
                taken += size
        return ["validation" if group in chosen else "train" for group in groups]

    return split_sides


def joined(rows):
    """Groups by a search from row to row, written without the helper."""
    said = [" ".join(text.lower().split()) for text in rows["description"]]
    ties = [set(pair) for pair in zip(rows["family"], said, strict=True)]
    group = [None] * len(ties)
    for start in range(len(ties)):
        open_rows = [start] if group[start] is None else []
        while open_rows:
            row = open_rows.pop()
            group[row] = start
            open_rows += [i for i, one in enumerate(ties) if group[i] is None and one & ties[row]]
    return pd.Series(group, index=rows.index)


def once(rows):
    """Families joined by a shared text, but in one pass only: a chain stays open."""
    said = rows["description"].str.lower().str.split().str.join(" ")
    first = rows["family"].groupby(said).transform("min")
    partner = first.groupby(rows["family"]).transform("min")
    return partner.groupby(said).transform("min").groupby(rows["family"]).transform("min")


def by_exact_text(rows):
    return splits.families(
        rows.assign(description=[text.encode().hex() for text in rows["description"]])
    )


def at_random(rows, held_out):
    rng = random.Random(0)
    return ["validation" if rng.random() < held_out else "train" for _ in range(len(rows))]


SPLIT_SIDES = Exercise(
    on_own.check_split_sides,
    {"the helper": whole_groups(splits.families), "a search": whole_groups(joined)},
    {
        "at random": ("one family lies on both sides", at_random),
        "by family": (
            "under two families: the model has learnt it",
            whole_groups(lambda rows: rows["family"]),
        ),
        "by exact text": (
            "but for capitals and blanks",
            whole_groups(by_exact_text),
        ),
        "chains": ("until nothing changes", whole_groups(once)),
        "duplicates dropped": (
            "one side a row",
            lambda rows, share: ["train"] * rows["description"].nunique(),
        ),
        "nothing held out": (
            "0.00 of the rows are held out",
            lambda rows, _: ["train"] * len(rows),
        ),
        "other names": ('a side is "train"', lambda rows, _: ["test"] * len(rows)),
    },
)


def fields(row, order=("category", "name", "color", "features"), end="Description:"):
    return "".join(f"{name.capitalize()}: {row[name]}\n" for name in order) + end


MIXED = ("name", "category", "color", "features")


def with_pandas(path, **how):
    return pd.read_csv(path, **how).to_dict("records")


def with_text(path):
    return with_pandas(path, dtype=str, keep_default_na=False)


def stripped(path):
    return [{name: cell.strip() for name, cell in row.items()} for row in with_text(path)]


def read(path):
    return products.read_new_products(path).to_dict("records")


PROMPTS_FOR = Exercise(
    on_own.check_prompts_for,
    {
        "the helpers": lambda path: [product_prompt(row) for row in read(path)],
        "by hand": lambda path: [fields(row) for row in read(path)],
    },
    {
        "plain read_csv": ("the prompt says nan", lambda path: map(fields, with_pandas(path))),
        "a blank at the end": (
            "a blank behind it is another token",
            lambda path: [product_prompt(row) + " " for row in read(path)],
        ),
        "another order": (
            "the fields have another order",
            lambda path: [fields(row, MIXED) for row in read(path)],
        ),
        "blanks in cells": (
            "blanks stand around a cell",
            lambda path: map(fields, with_text(path)),
        ),
        "a list as text": (
            "with their brackets",
            lambda path: map(fields, stripped(path)),
        ),
        "no end": (
            "has to end where the description begins",
            lambda path: [fields(row, end="") for row in read(path)],
        ),
        "JSON": (
            "not training's prompt",
            lambda path: [json.dumps(row) + "Description:" for row in read(path)],
        ),
        "one for all": ("one prompt a product", lambda path: ["".join(map(fields, read(path)))]),
    },
)


def others(row, _):
    return row | {"color": on_own.COLORS[(on_own.COLORS.index(row["color"]) + 1) % 6]}


def experiment(change=others, keep=24, follow=None, verdict=None):
    """An answer to exercise 13.2, with parts that can be wrong."""
    follow = follow or (lambda new, old: new and not old)
    verdict = verdict or (lambda share: share >= on_own.READ)

    def reads_color(describe, rows):
        rows = rows[:keep]
        changed = [change(row, rows) for row in rows]
        texts = describe(changed)
        hits = [
            follow(on_own.names(new["color"], text), on_own.names(old["color"], text))
            for new, old, text in zip(changed, rows, texts, strict=True)
        ]
        share = sum(hits) / len(hits)
        return {"rows": len(rows), "follows": share, "reads": verdict(share)}

    return reads_color


def not_an_experiment(describe, rows):
    texts = describe(rows)
    share = (
        sum(on_own.names(row["color"], text) for row, text in zip(rows, texts, strict=True)) / 24
    )
    return {"rows": 24, "follows": share, "reads": share >= on_own.READ}


READS_COLOR = Exercise(
    on_own.check_reads_color,
    {
        "the next colour": experiment(),
        "another colour": experiment(
            lambda row, rows: row | {"color": next(c for c in on_own.COLORS if c != row["color"])}
        ),
        "twenty rows": experiment(keep=20),
    },
    {
        "nothing changed": ("no colour was changed", not_an_experiment),
        "the name changed": (
            "a name was changed",
            experiment(lambda row, rows: others(row, rows) | {"name": "Thing"}),
        ),
        "features changed": (
            "more than the colour was changed",
            experiment(lambda row, rows: others(row, rows) | {"features": "new"}),
        ),
        "one colour for all": (
            "keeps its colour shows nothing",
            experiment(lambda row, rows: row | {"color": "red"}),
        ),
        "ten rows": ("too few to say a share", experiment(keep=10)),
        "the old colour is not asked for": (
            "names every colour follows nothing",
            experiment(follow=lambda new, old: new),
        ),
        "always yes": ("the verdict does not follow", experiment(verdict=lambda share: True)),
        "a text that changed": (
            "of the texts follow the new colour",
            experiment(follow=lambda new, old: not old),
        ),
        "other keys": ('return {"rows"', lambda describe, rows: {"reads": True}),
    },
)

EXERCISES = {
    "13.1 split sides": SPLIT_SIDES,
    "13.3 prompts for": PROMPTS_FOR,
    "13.2 reads color": READS_COLOR,
}
