"""Checks for notebooks/02_data_curation.ipynb."""

import random
import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from helpers import metrics, products
from helpers.checks import check
from helpers.paths import DATA

ANSWERS = ("yes", "credit", "ask", "no")
WANTED = {"export": "yes", "robots": "ask", "cc_by": "credit", "closed folder": "ask", "api": "no"}


@check
def check_may_use(may_use: Callable[[str], str]) -> str | None:
    """Exercise 2.1: a source -> "yes", "credit", "ask" or "no"."""
    found = {case: may_use(case) for case in WANTED}
    strange = [case for case, answer in found.items() if answer not in ANSWERS]
    if strange:
        return f"{strange[0]}: answer with one of {', '.join(ANSWERS)}, not {found[strange[0]]!r}"
    if found["robots"] in ("yes", "credit"):
        return "robots: robots.txt says where a robot may go; it grants no right to the texts"
    if found["closed folder"] in ("yes", "credit"):
        return (
            "closed folder: the licence lets us use the texts, and robots.txt still keeps our "
            "robot out of the folder"
        )
    if found["cc_by"] == "yes":
        return "cc_by: the BY in the licence is a condition"
    if found["cc_by"] != "credit":
        return "cc_by: the author has already allowed it, under a condition"
    if found["api"] != "no":
        return "api: we accepted terms that rule this out"
    if found["export"] != "yes":
        return "export: the shop holds the rights in what its staff writes as their job"
    if found["robots"] == "no":
        return "robots: nobody has said no; there is an owner who can be approached"
    if found["closed folder"] == "no":
        return "closed folder: only our robot is shut out; the owner may send us the texts"
    return None


# features, text, the share that is mentioned, and what is wrong where it comes out otherwise
COVERAGE_CASES = [
    (["cordless base"], "It turns on its cordless base.", 1, "{} is there, and you miss it"),
    (["lid"], "It is solid.", 0, "a {} is found inside another word: compare stems, not letters"),
    (["padded straps"], "Each strap is padded.", 1, "{}: compare stems, in any order"),
    (["padded straps"], "It has straps.", 0, "{}: one of its words is not enough"),
    (["1.7 L"], "It weighs 1.7 kg.", 0, "{} is no 1.7 kg: the unit must be in the text"),
    (["3 pockets"], "It has 2 pockets.", 0, "{} are not 2 pockets: the number counts"),
    (
        ["2 m cable"],
        "A cable of 3 m, weighing 2 kg.",
        0,
        "{}: its number and its unit are in the text, and do not belong together there",
    ),
    (["2 m cable"], "The cable is 2 m long.", 1, "{}: only the number needs its neighbour"),
    (["set of 5"], "A set of 5 bowls.", 1, "{}: after the number at its end, anything may follow"),
    (["set of 5"], "A set of 4 bowls.", 0, "{} is not a set of 4"),
    (
        ["1.7 L capacity"],
        "A capacity of 2 L, and 1.7 kg light.",
        0,
        '{}: here 1.7 counts kilograms. Do you take it for a number? "1.7".isdigit() is False',
    ),
    (["2 m cable"], "It is 2 m long.", 0, "{} in 'It is 2 m long': where is the cable?"),
    (
        ["2 m cable"],
        "With 2 hooks and a cable of 2 m.",
        1,
        "{}: a number can stand in the text twice; look at each place",
    ),
    (
        ["40 x 60 cm"],
        "A tray of 40 x 50 cm with 60 holes.",
        0,
        "{}: it has two numbers, and the second counts something else in the text",
    ),
    (["3 pockets"], "It has 2 pockets, 3 zips.", 0, "{} in '2 pockets, 3 zips': the 3 counts zips"),
    (
        ["set of 5"],
        "A set: 5 bowls of glass.",
        1,
        "{}: what stands before a number need not be the same",
    ),
    (["2 m cable"], "A 3 m cable in size 2.", 0, "{} in '3 m cable in size 2': nothing follows 2"),
]


@check
def check_coverage(coverage: Callable[[list[str], str], float]) -> str | None:
    """Exercise 2.2: (features, text) -> share of the features that the text mentions."""
    features = ["1.7 L", "cordless base", "3 pockets", "lid"]
    some = coverage(features, "It holds 1.7 L on a cordless base.")
    if some is None or isinstance(some, str):
        return f"return a number from 0 to 1, not {some!r}"
    if isinstance(some, bool | np.bool_):
        return "return the share of the features, not whether all of them are mentioned"
    if some == 2:
        return "you return how many features are mentioned: divide by how many there are"
    if not 0 <= some <= 1:
        return f"a share is a number from 0 to 1, and you return {some:.3g}"
    for features_, text, wanted, sentence in COVERAGE_CASES:
        if abs(coverage(features_, text) - wanted) > 1e-9:
            return sentence.format(features_[0])
    if abs(some - 0.5) > 1e-9:
        return f"two of four features are mentioned, and you say {some:.3g}"
    return None


KINDS = ("control", "mine")
BLIND_SPOT_COLUMNS = ["id", "kind", "description", "accused"]


@check
def check_blind_spot(blind_spot: Callable[[], pd.DataFrame]) -> str | None:
    """Exercise 2.3: () -> table of planted rows with id, kind, description and accused."""
    table = blind_spot()
    if not isinstance(table, pd.DataFrame) or not {*BLIND_SPOT_COLUMNS} <= {*table}:
        return f"return a table with the columns {', '.join(BLIND_SPOT_COLUMNS)}"
    rows = products.read_products(DATA / "products.csv").set_index("id")
    parts = {kind: table[table["kind"] == kind] for kind in KINDS}
    for kind, part in parts.items():
        if complaint := _judge_planting(kind, part, rows):
            return complaint
    found, seen = (int(parts[kind]["accused"].astype(bool).sum()) for kind in KINDS)
    if found < 9:
        return (
            f"control: {found} of 10 are accused. A search that finds nothing proves nothing: "
            "plant a kind that section 2.6 finds"
        )
    if seen == 10:
        return (
            "mine: all 10 are accused. Either the detectors know your kind, or the planted rows "
            "were judged beside their originals, or all have one text, and pass for copies"
        )
    if seen:
        return f"mine: {seen} of 10 are accused, so the detectors do see this kind"
    caught = sum(_is_caught(rows.loc[r.id], r.description) for r in parts["mine"].itertuples())
    if caught:
        return (
            f"mine: the counts of section 2.6 see a fault in {caught} of your 10 texts, and your "
            "table calls them not accused: judge the rows after the planting"
        )
    return None


def _judge_planting(kind: str, part: pd.DataFrame, rows: pd.DataFrame) -> str | None:
    if strange := set(part["id"]) - set(rows.index):
        return f"{kind}: there is no row {min(map(str, strange))} in the curated ones"
    if len(part) != 10 or part["id"].nunique() != 10:
        return f"{kind}: ten different rows were asked for, not {part['id'].nunique()}"
    pairs = list(zip(part["description"], rows.loc[part["id"], "description"], strict=True))
    if same := sum(planted == original for planted, original in pairs):
        return f"{kind}: {same} of 10 texts are as they were"
    if sum(re.findall(r"\w+", a.lower()) == re.findall(r"\w+", b.lower()) for a, b in pairs):
        return f"{kind}: only case, blanks or marks differ; a reader would call such a text sound"
    return None


def _is_caught(row: pd.Series, text: str) -> bool:
    found = metrics.counts(row, text)
    return found["invented number"] or found["wrong colour"] or not found["colour named"]


def _toy_products() -> pd.DataFrame:
    sizes = [4, 3, 3, 2, 2, 2, *[1] * 24]  # 40 rows, 30 families, none larger than 4
    families = [f"family {i:02}" for i, size in enumerate(sizes) for _ in range(size)]
    order = random.Random(5).sample(range(len(families)), len(families))
    rows = [{"id": f"p{n:02}", "family": families[i]} for n, i in enumerate(order)]
    return pd.DataFrame(rows)


@check
def check_split_by_family(split: Callable[[pd.DataFrame, int, int], tuple]) -> str | None:
    """Exercise 2.4: (rows, validation_rows, seed) -> train, validation."""
    states = random.getstate(), np.random.get_state()
    try:
        rows = _toy_products()
        alone = rows.drop_duplicates("family")  # here exactly as many rows as asked for will do
        return _judge_split(split, rows, asked=10) or _judge_split(split, alone, asked=10)
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


def _judge_split(split: Callable, rows: pd.DataFrame, asked: int) -> str | None:
    validations = []
    for seed in (0, 0, 1, 2, 3):
        parts = split(rows.copy(), asked, seed)
        if not (
            isinstance(parts, tuple | list)
            and len(parts) == 2
            and all(
                isinstance(part, pd.DataFrame) and {"id", "family"} <= {*part} for part in parts
            )
        ):
            return "return two tables with all columns, train and validation"
        train, validation = parts
        ids = [*train["id"], *validation["id"]]
        if missing := set(rows["id"]) - set(ids):
            return f"{len(missing)} of {len(rows)} rows are in neither part"
        if len(ids) != len(set(ids)):
            return f"{len(ids) - len(set(ids))} rows are there twice"
        if both := set(train["family"]) & set(validation["family"]):
            return (
                f"with seed {seed}, families on both sides: {len(both)}. What is dealt out is the "
                "family, not the row"
            )
        if len(train) < len(validation):
            return "the larger part is train, and train comes first"
        sizes = validation["family"].value_counts()
        if len(sizes) == asked and len(validation) > asked + 3:
            return f"you took {asked} families; {asked} rows were asked for"
        if len(validation) < asked:
            return f"validation has {len(validation)} rows, and at least {asked} were asked for"
        if len(validation) - sizes.max() >= asked:
            return f"validation has {len(validation)} rows: stop when {asked} are reached"
        validations.append(frozenset(validation["id"]))
    if validations[0] != validations[1]:
        return "the same seed gives another split the second time"
    if len(set(validations)) == 1:
        return "the seed changes nothing: every seed gives the same split"
    return None
