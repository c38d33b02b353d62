"""A look at a file's rows before anything is trained: what is refused, what a person decides.

Doubts are sentences that are returned, and not Python warnings: a caller prints them, or writes
them into a report, and no line of code or path of a machine stands around them.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from helpers.product_columns import COLUMNS
from helpers.product_errors import ProductFileError, first_lines, short_path
from helpers.products import row_lines
from helpers.splits import families

FEWEST_ROWS = 10  # one in five is held out, and a single row is no judge
_ENTITY = r"&#?\w+;"
_MARKUP = rf"</?[a-zA-Z][^<>]*>|{_ENTITY}"
_NO_VALUES = ["None", "none", "NaN", "nan", "null", "NULL", "NA", "N/A", "n/a", "#N/A", "-", "?"]
_SHARED = "share a description with another row: keep one of each, or the model learns it by heart"
_TEMPLATE = (
    "have another row's description but for name, colour, features and numbers: an f-string writes "
    "such texts, and the rows that are held out hardly differ from those trained on"
)
_NO_FAMILY = (
    "have no family, so their name stands for it: fill it in, or products of one kind may lie on "
    "both sides of the split"
)
_ONE_KIND = (
    "share a family, a name or a text, so all of them lie on one side of the split: the other side "
    "holds few kinds of products, and judges by those alone"
)
_SINGLE = (
    "hold a single feature, so that coverage is all or nothing: join several by a comma and a blank"
)
_UNSPLIT = "hold ; or | or • in a feature: if features end there, join them by a comma and a blank"
_EMPTY_WORD = (
    "hold nothing but a word like None, nan or N/A in a column, and the model learns it as text: "
    "if it stands for no value, fill the cell in or delete the row"
)
_HTML = "hold HTML, which the model would learn to write: take it out"
_LOST = "hold \ufffd, the sign for a lost letter: export the file again, in UTF-8"


def check_rows(path: str | Path, rows: pd.DataFrame, fewest: int = FEWEST_ROWS) -> None:
    """Refuse a file that leaves nothing to train on, or nothing to judge by.

    Args:
        path: the file the rows came from, for the message.
        rows: as from `read_products`.
        fewest: rows that are needed.

    Raises:
        ProductFileError: there are fewer, or all are of one kind (see `splits.families`).
    """
    where, count = short_path(path), len(rows)
    if count < fewest:
        products = "1 product" if count == 1 else f"{count} products"
        raise ProductFileError(
            f"{where}: it holds {products}, and at least {fewest} are needed, since one in five is "
            "held out to judge by. Add products."
        )
    if families(rows).nunique() == 1:
        texts = [_plain(rows[name]) for name in ("family", "name", "description") if name in rows]
        same = [text.name for text in texts if text.nunique() == 1 and text.iloc[0]]
        where += f", column {same[0]!r}" if same else ", columns 'family', 'name', 'description'"
        how = "have the same" if same else "hang together by what they share"
        raise ProductFileError(
            f"{where}: all {count} rows {how}, so none can be held out to judge by. Add products "
            "of other kinds."
        )


def overview(rows: pd.DataFrame, token_counts: Sequence[int]) -> dict[str, int]:
    """What a file holds, in numbers.

    Args:
        rows: as from `read_products`.
        token_counts: tokens of each row's description with its end token, in file order.

    Returns:
        What is counted -> how many.
    """
    kinds, lengths = families(rows).value_counts(), pd.Series(token_counts)
    features = rows["features"].str.split(", ").str.len()
    return {
        "rows": len(rows),
        "categories": rows["category"].nunique(),
        "families": len(kinds),
        "rows of the largest family": int(kinds.max()),
        "rows that share a description": int(
            _plain(rows["description"]).duplicated(keep=False).sum()
        ),
        "features of a row (median)": int(features.median()),
        "tokens of a description (median)": int(lengths.median()),
        "tokens of the longest description": int(lengths.max()),
    }


def doubts(rows: pd.DataFrame) -> list[str]:
    """What is no fault, and still may spoil a training: a person has to decide.

    Args:
        rows: as from `read_products`.

    Returns:
        A sentence for each kind, with how many rows it meets, the first of them, and what to do.
    """
    cells = rows[COLUMNS].agg("\n".join, axis=1)
    shared = _plain(rows["description"]).duplicated(keep=False)
    unknown = rows["family"] == "" if "family" in rows else pd.Series(False, index=rows.index)
    alike = _skeletons(rows).duplicated(keep=False) & ~shared
    kind = families(rows)
    largest = kind == kind.value_counts().idxmax()
    single = ~rows["features"].str.contains(", ", regex=False)
    kinds = [
        (shared, _SHARED),
        (alike & (alike.mean() > 0.1), _TEMPLATE),
        (unknown & ~unknown.all(), _NO_FAMILY),
        (largest & (largest.mean() > 0.5), _ONE_KIND),
        (single & (single.mean() > 0.5), _SINGLE),
        (rows["features"].str.replace(_ENTITY, "", regex=True).str.contains("[;|•]"), _UNSPLIT),
        (rows[COLUMNS].isin(_NO_VALUES).any(axis=1), _EMPTY_WORD),
        (cells.str.contains(_MARKUP), _HTML),
        (cells.str.contains("\ufffd"), _LOST),
    ]
    return [counted(rows, met, what) for met, what in kinds if met.any()]


def long_texts(rows: pd.DataFrame, token_counts: Sequence[int], max_new_tokens: int) -> list[str]:
    """The doubt about descriptions that the model will not have room to write.

    Args:
        rows: as from `read_products`.
        token_counts: tokens of each row's description with its end token.
        max_new_tokens: limit of a text that the model writes, in tokens.

    Returns:
        No sentence, or one.
    """
    met = pd.Series(token_counts, index=rows.index) > max_new_tokens
    what = (
        f"have a description longer than MAX_NEW_TOKENS = {max_new_tokens} (the longest has "
        f"{max(token_counts)} tokens), so one that is learnt can't end: raise MAX_NEW_TOKENS"
    )
    return [counted(rows, met, what)] if met.any() else []


def counted(rows: pd.DataFrame, met: pd.Series, what: str) -> str:
    """A sentence on some of the rows: "2 of 40 rows (lines 3, 9) share a description ...".

    Args:
        rows: as from `read_products`.
        met: true for the rows that are meant, in the same order.
        what: what is said of them, without a full stop.
    """
    chosen = [i for i, is_met in enumerate(met) if is_met]
    lines = row_lines(rows)
    numbers = first_lines([i + 1 for i in chosen], [lines[i] for i in chosen])
    return f"{len(chosen)} of {len(rows)} rows ({numbers}) {what}."


def _plain(texts: pd.Series) -> pd.Series:
    return texts.str.lower().str.split().str.join(" ")


def _skeletons(rows: pd.DataFrame) -> pd.Series:
    """What is left of the descriptions without the row's own facts."""
    return pd.Series([_skeleton(row) for row in rows.to_dict("records")], index=rows.index)


def _skeleton(row: dict[str, str]) -> str:
    text = row["description"].lower()
    facts = [row["name"], row["color"], *row["features"].split(", ")]
    for fact in sorted(facts, key=len, reverse=True):
        text = text.replace(fact.lower(), "_")
    return " ".join(re.sub(r"\d+", "_", text).split())
