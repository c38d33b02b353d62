"""Answers to the exercises of notebooks/02_data_curation.ipynb, right ones and usual mistakes."""

import itertools
import random
import re
from collections.abc import Callable
from typing import Any

import pandas as pd
from snowballstemmer import stemmer

from exercises import Exercise
from helpers import products
from helpers.checks import data_curation as on_data_curation
from helpers.paths import DATA

MAY = {"export": "yes", "robots": "ask", "cc_by": "credit", "closed folder": "ask", "api": "no"}


def may(**changes: Any) -> Callable[[str], Any]:
    """Exercise 2.1 answered right, but for the cases that are given otherwise."""
    return (MAY | {name.replace("_folder", " folder"): a for name, a in changes.items()}).get


MAY_USE = Exercise(
    on_data_curation.check_may_use,
    {"by case": may()},
    {
        "a truth value": ("answer with one of yes, credit, ask, no, not True", may(export=True)),
        "nothing": ("answer with one of yes, credit, ask, no, not None", lambda case: None),
        "robots.txt as a licence": ("it grants no right to the texts", may(robots="yes")),
        "robots.txt as CC BY": ("it grants no right to the texts", may(robots="credit")),
        "always yes": ("it grants no right to the texts", lambda case: "yes"),
        "the licence opens the folder": (
            "still keeps our robot out of the folder",
            may(closed_folder="credit"),
        ),
        "the licence without its condition": ("the BY in the licence", may(cc_by="yes")),
        "CC BY asked for again": ("the author has already allowed it", may(cc_by="ask")),
        "always ask": ("the author has already allowed it", lambda case: "ask"),
        "the terms forgotten": ("we accepted terms", may(api="yes")),
        "the terms negotiated": ("we accepted terms", may(api="ask")),
        "one's own texts": ("the shop holds the rights", may(export="ask")),
        "robots: no": ("robots: nobody has said no", may(robots="no")),
        "closed folder: no": ("only our robot is shut out", may(closed_folder="no")),
    },
)

_stem = stemmer("english").stemWord


def stems(text: str) -> list[str]:
    return [_stem(token) for token in re.findall(r"\d+(?:\.\d+)?|[^\W\d_]+", text.lower())]


def pairs(found: list[str]) -> set[tuple[str, str]]:
    return set(itertools.pairwise(found))


def with_number(found: list[str]) -> list[tuple[str, str]]:
    """Each number with the stem that follows it, in order."""
    return [pair for pair in itertools.pairwise(found) if pair[0][0].isdigit()]


def mentioned(feature: str, text: str) -> bool:
    wanted, said = stems(feature), stems(text)
    return set(wanted) <= set(said) and set(with_number(wanted)) <= pairs(said)


def share(mentioned: Callable[[str, str], bool]) -> Callable[[list[str], str], float]:
    return lambda features, text: sum(mentioned(f, text) for f in features) / len(features)


def by_pairs(wanted: Callable = with_number, said: Callable = pairs) -> Callable:
    """All stems, and of the pairs all that `wanted` takes from the feature."""
    return share(
        lambda f, t: set(stems(f)) <= set(stems(t)) and set(wanted(stems(f))) <= set(said(stems(t)))
    )


def number_and_unit(feature: str, text: str) -> bool:
    wanted = set(with_number(stems(feature)))
    return wanted <= pairs(stems(text)) if wanted else mentioned(feature, text)


def without_units(feature: str, text: str) -> bool:
    """The words of the feature but for its units, and its numbers, wherever they stand."""
    return {s for s in stems(feature) if s not in ("l", "m", "kg")} <= set(stems(text))


def without_numbers(feature: str, text: str) -> bool:
    units = {s for s in stems(feature) if not s[0].isdigit()}
    return units <= set(stems(text))


COVERAGE = Exercise(
    on_data_curation.check_coverage,
    {
        "pairs": share(mentioned),
        "number after number": share(
            lambda feature, text: (
                set(stems(feature)) <= set(stems(text))
                and all(
                    any(stems(text)[j : j + 2] == stems(feature)[i : i + 2] for j in range(99))
                    for i, s in enumerate(stems(feature)[:-1])
                    if s[0].isdigit()
                )
            )
        ),
    },
    {
        "nothing": ("a number from 0 to 1, not None", lambda features, text: None),
        "all or nothing": (
            "not whether all of them",
            lambda features, text: all(mentioned(f, text) for f in features),
        ),
        "a count": (
            "how many features are mentioned: divide",
            lambda features, text: sum(mentioned(f, text) for f in features),
        ),
        "substring": ("found inside another word", share(lambda f, t: f.lower() in t.lower())),
        "each word as a substring": (
            "found inside another word",
            share(lambda f, t: all(word in t.lower() for word in f.lower().split())),
        ),
        "words, unstemmed": (
            "padded straps: compare stems, in any order",
            share(lambda f, t: set(f.split()) <= set(t.lower().replace(".", "").split())),
        ),
        "stems in the same order": (
            "padded straps: compare stems, in any order",
            share(lambda f, t: " ".join(["", *stems(f), ""]) in " ".join(["", *stems(t), ""])),
        ),
        "any word": (
            "one of its words is not enough",
            share(lambda f, t: bool(set(stems(f)) & set(stems(t)))),
        ),
        "units ignored": ("the unit must be in the text", share(without_units)),
        "numbers ignored": ("the number counts", share(without_numbers)),
        "stems anywhere": (
            "do not belong together there",
            share(lambda f, t: set(stems(f)) <= set(stems(t))),
        ),
        "every pair must be there": (
            "only the number needs its neighbour",
            share(
                lambda f, t: (
                    mentioned(f, t)
                    and (pairs(stems(f)) <= pairs(stems(t)) or not any(map(str.isdigit, f)))
                )
            ),
        ),
        "the last number needs a neighbour": (
            "after the number at its end, anything may follow",
            share(lambda f, t: mentioned(f, t) and not f[-1].isdigit()),
        ),
        "the last number ignored": (
            "is not a set of 4",
            share(lambda f, t: mentioned(f.rstrip("0123456789 "), t)),
        ),
        "isdigit on a decimal": (
            "here 1.7 counts kilograms",
            by_pairs(lambda found: {p for p in itertools.pairwise(found) if p[0].isdigit()}),
        ),
        "the number and its unit are enough": ("where is the cable", share(number_and_unit)),
        "the first place only": (
            "can stand in the text twice",
            by_pairs(
                said=lambda found: {
                    p for i, p in enumerate(itertools.pairwise(found)) if found.index(p[0]) == i
                }
            ),
        ),
        "the first number only": (
            "it has two numbers",
            by_pairs(lambda found: set(with_number(found)[:1])),
        ),
        "a neighbour on either side": (
            "the 3 counts zips",
            by_pairs(said=lambda found: pairs(found) | pairs(found[::-1])),
        ),
        "the word before as well": (
            "what stands before a number",
            by_pairs(lambda found: [p for p in pairs(found) if any(s[0].isdigit() for s in p)]),
        ),
        "never": ("cordless base is there", lambda features, text: 0.0),
        "percent": (
            "from 0 to 1, and you return 50",
            lambda features, text: 100 * share(mentioned)(features, text),
        ),
        "rounded": (
            "two of four features are mentioned, and you say 0",
            lambda features, text: float(all(mentioned(f, text) for f in features)),
        ),
    },
)

CURATED = products.read_products(DATA / "products.csv")
CLAIM, WEIGHT = " It is shipped from Norway.", " It weighs 999 kg."


def planted(kind: str, accused: int, plant: Callable[[str], str] | str, n: int = 10):
    """One half of the table of exercise 2.3: n rows of a kind, the first `accused` accused."""
    rows = CURATED.head(n)[["id", "description"]].copy()
    rows["description"] = (
        rows["description"].map(plant) if callable(plant) else rows["description"] + plant
    )
    return rows.assign(kind=kind, accused=[i < accused for i in range(n)])


def both(
    mine: int = 0,
    control: int = 10,
    plant: Callable[[str], str] | str = CLAIM,
    plant_control: Callable[[str], str] | str = WEIGHT,
    n: int = 10,
) -> Callable[[], pd.DataFrame]:
    halves = planted("mine", mine, plant, n), planted("control", control, plant_control)
    return lambda: pd.concat(halves)


BLIND_SPOT = Exercise(
    on_data_curation.check_blind_spot,
    {
        "a claim without a number": both(),
        "a misattached fact": both(
            plant=lambda text: text.replace(" is ", " is not ") + " Or not."
        ),
        "nine of ten controls": both(control=9),
    },
    {
        "nothing": ("return a table with the columns", lambda: None),
        "the two recalls": ("return a table with the columns", lambda: {"mine": 0, "control": 1}),
        "no control": ("control: ten different rows", lambda: planted("mine", 0, CLAIM)),
        "five rows": ("mine: ten different rows", both(n=5)),
        "one row ten times": (
            "mine: ten different rows",
            lambda: pd.concat(
                [*[planted("mine", 0, CLAIM, 1)] * 10, planted("control", 10, WEIGHT)]
            ),
        ),
        "new ids": (
            "there is no row",
            lambda: both()().assign(id=[f"x{i}" for i in range(20)]),
        ),
        "nothing planted": ("10 of 10 texts are as they were", both(plant="")),
        "capitals": ("only case, blanks or marks differ", both(plant=str.upper)),
        "a mark": ("only case, blanks or marks differ", both(plant="!")),
        "a control that is not found": ("A search that finds nothing proves nothing", both(0, 0)),
        "judged beside the originals": ("beside their originals", both(mine=10)),
        "a kind that is found now and then": (
            "3 of 10 are accused, so the detectors do see",
            both(mine=3),
        ),
        "judged before the planting": (
            "judge the rows after the planting",
            both(plant=WEIGHT),
        ),
        "a colour, judged before the planting": (
            "judge the rows after the planting",
            both(plant=" It also comes in magenta."),
        ),
    },
)

Split = tuple[pd.DataFrame, pd.DataFrame]


def by_families(rows: pd.DataFrame, families: list[str]) -> Split:
    held_out = rows["family"].isin(families)
    return rows[~held_out], rows[held_out]


def shuffled_families(rows: pd.DataFrame, seed: int) -> list[str]:
    return random.Random(seed).sample(sorted(set(rows["family"])), rows["family"].nunique())


def split_by_family(rows: pd.DataFrame, validation_rows: int, seed: int, extra: int = 0) -> Split:
    families = shuffled_families(rows, seed)
    for count in range(len(families)):
        if rows["family"].isin(families[:count]).sum() >= validation_rows:
            break
    return by_families(rows, families[: count + extra])


def with_shuffled_rows(rows: pd.DataFrame, validation_rows: int, seed: int) -> Split:
    train, validation = split_by_family(rows, validation_rows, seed)
    return train.sample(frac=1, random_state=1), validation.reset_index(drop=True)


def at_random(rows: pd.DataFrame, validation_rows: int, seed: int) -> Split:
    shuffled = rows.sample(frac=1, random_state=seed)
    return shuffled.iloc[validation_rows:], shuffled.iloc[:validation_rows]


def unseeded(rows: pd.DataFrame, validation_rows: int, seed: int, state=random.Random(0)) -> Split:  # noqa: B008
    return split_by_family(rows, validation_rows, state.randrange(10**6))


SPLIT_BY_FAMILY = Exercise(
    on_data_curation.check_split_by_family,
    {"families in turn": split_by_family, "rows in another order": with_shuffled_rows},
    {
        "at random": ("What is dealt out is the family, not the row", at_random),
        "the first rows": (
            "What is dealt out is the family, not the row",
            lambda rows, n, seed: (rows.iloc[n:], rows.iloc[:n]),
        ),
        "nothing": ("return two tables", lambda rows, n, seed: None),
        "one table": ("return two tables", lambda rows, n, seed: rows),
        "lists of ids": (
            "return two tables",
            lambda rows, n, seed: tuple(
                list(part["id"]) for part in split_by_family(rows, n, seed)
            ),
        ),
        "rows lost": (
            "1 of 40 rows are in neither part",
            lambda rows, n, seed: split_by_family(rows.iloc[1:], n, seed),
        ),
        "rows twice": (
            "rows are there twice",
            lambda rows, n, seed: (rows, split_by_family(rows, n, seed)[1]),
        ),
        "swapped": (
            "train comes first",
            lambda rows, n, seed: split_by_family(rows, n, seed)[::-1],
        ),
        "as many families as rows": (
            "you took 10 families; 10 rows were asked for",
            lambda rows, n, seed: by_families(rows, sorted(set(rows["family"]))[:n]),
        ),
        "too few": (
            "and at least 10 were asked for",
            lambda rows, n, seed: split_by_family(rows, n // 2, seed),
        ),
        "too many": (
            "rows: stop when 10 are reached",
            lambda rows, n, seed: split_by_family(rows, n, seed, extra=4),
        ),
        "one more than asked for": (
            "rows: stop when 10 are reached",
            lambda rows, n, seed: split_by_family(rows, n + 1, seed),
        ),
        "no seed": (
            "the seed changes nothing",
            lambda rows, n, seed: split_by_family(rows, n, 0),
        ),
        "another split each time": ("gives another split the second time", unseeded),
    },
)

EXERCISES = {
    "02 may_use": MAY_USE,
    "02 coverage": COVERAGE,
    "02 blind_spot": BLIND_SPOT,
    "02 split_by_family": SPLIT_BY_FAMILY,
}
