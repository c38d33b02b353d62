"""A look at a file's rows before anything is trained: what is refused, what a person decides.

Doubts are sentences that are returned, and not Python warnings: a caller prints them, or writes
them into a report, and no line of code or path of a machine stands around them.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from helpers.product_cells import COLUMNS
from helpers.product_errors import ProductFileError, first_lines, short_path
from helpers.products import row_lines
from helpers.splits import families

FEWEST_ROWS = 10  # one in five is held out, and a single row is no judge
_MARKUP = r"</?[a-zA-Z][^<>]*>|&(?:#\d+|[a-zA-Z]+);"
_SHARED = "share a description with another row: keep one of each, or the model learns it by heart"
_NO_FAMILY = (
    "have no family, so their name stands for it: fill it in, or products of one kind may lie on "
    "both sides of the split"
)
_SINGLE = (
    "hold a single feature, so that coverage is all or nothing: join several by a comma and a blank"
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
        raise ProductFileError(
            f"{where}, columns 'family', 'name', 'description': all {count} rows share a family, "
            "a name or a text, so none can be held out to judge by. Add products of other kinds."
        )


def doubts(rows: pd.DataFrame) -> list[str]:
    """What is no fault, and still may spoil a training: a person has to decide.

    Args:
        rows: as from `read_products`.

    Returns:
        A sentence for each kind, with how many rows it meets, the first of them, and what to do.
    """
    said = rows["description"].str.lower().str.split().str.join(" ")
    single = ~rows["features"].str.contains(", ", regex=False)
    cells = rows[COLUMNS].agg("\n".join, axis=1)
    unknown = rows["family"] == "" if "family" in rows else pd.Series(False, index=rows.index)
    kinds = [
        (said.duplicated(keep=False), _SHARED),
        (unknown & ~unknown.all(), _NO_FAMILY),
        (single & (single.mean() > 0.5), _SINGLE),
        (cells.str.contains(_MARKUP), _HTML),
        (cells.str.contains("\ufffd"), _LOST),
    ]
    return [_sentence(rows, met, what) for met, what in kinds if met.any()]


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
    return [_sentence(rows, met, what)] if met.any() else []


def _sentence(rows: pd.DataFrame, met: pd.Series, what: str) -> str:
    chosen = [i for i, is_met in enumerate(met) if is_met]
    numbers = first_lines([i + 1 for i in chosen], [row_lines(rows)[i] for i in chosen])
    return f"{len(chosen)} of {len(rows)} rows ({numbers}) {what}."
