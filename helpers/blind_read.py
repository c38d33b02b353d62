"""Texts to be read without knowing what wrote them."""

import hashlib

import pandas as pd


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
