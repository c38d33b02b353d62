"""Texts to be read without knowing what wrote them."""

import hashlib
import random
from collections.abc import Iterable

import numpy as np
import pandas as pd

LABELS = ("ok", "wrong fact", "misattached", "broken")


def fingerprint(row_id: str, text: str) -> str:
    """Names a text, and hides what wrote it; equal texts of a row have one.

    Source: notebooks/07_evaluation.ipynb, section 7.8 (as `item`).
    """
    return hashlib.sha256(f"{row_id}|{text}".encode()).hexdigest()[:10]


def sheet(texts: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """What readers fill in: each text once, beside its product, in the order of the fingerprints.

    Args:
        texts: item (a fingerprint), id and text; other columns are left out.
        products: id, category, name, features, color.

    Returns:
        item, text, the product's four columns, and label and reason, both empty.

    Source: notebooks/07_evaluation.ipynb, section 7.8.
    """
    facts = products[["id", "category", "name", "features", "color"]]
    whole = texts[["item", "id", "text"]].drop_duplicates("item").merge(facts, on="id")
    return whole.drop(columns="id").sort_values("item").assign(label="", reason="")


def deal(
    sheet: pd.DataFrame, seats: Iterable[int], most: int, seed: int = 0
) -> dict[int, pd.DataFrame]:
    """Deal texts to pairs of seats, drawn by lot; with an odd number, one group is of three.

    Args:
        sheet: one row a text, as `sheet` makes it. A pair gets rows that follow each other.
        seats: the readers' seat numbers.
        most: texts that one reader gets, at most.

    Returns:
        seat -> its rows, the same for both of a pair.

    Raises:
        ValueError: fewer than two seats, or fewer texts than pairs.

    Source: notebooks/class_board.ipynb.
    """
    order = sorted(set(seats))
    pairs = len(order) // 2
    if pairs == 0 or len(sheet) < pairs:
        raise ValueError(
            f"{len(order)} seats and {len(sheet)} texts: a pair needs two seats and a text."
        )
    random.Random(seed).shuffle(order)
    each = min(most, len(sheet) // pairs)
    groups = np.array_split(order, pairs)
    parts = [sheet.iloc[i * each : (i + 1) * each] for i in range(pairs)]
    return {
        int(seat): part for group, part in zip(groups, parts, strict=True) for seat in sorted(group)
    }


def kappa(first: Iterable[str], second: Iterable[str]) -> float:
    """Agreement of two readers above chance; nan where both gave all texts one label.

    Args:
        first, second: their labels of the same texts, in the same order.

    Source: notebooks/07_evaluation.ipynb, section 7.8; Cohen (1960).
    """
    first, second = np.array(first, dtype=object), np.array(second, dtype=object)
    observed = np.mean(first == second)
    chance = sum(np.mean(first == x) * np.mean(second == x) for x in {*first, *second})
    return float((observed - chance) / (1 - chance)) if chance < 1 else np.nan
