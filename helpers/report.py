"""A run told in sentences: what each one says is chosen by the numbers that it states."""

from collections.abc import Mapping

import pandas as pd

from helpers import scores
from helpers.intervals import wilson
from helpers.product_errors import short_path

FEW_ROWS = 10  # below, no two systems are told apart
FEW_DIFFER = 6  # five rows that all differ one way happen by chance in 1 of 16: 2 * 0.5 ** 5
HALF_SEEN = 0.5  # as in own_texts.what_counts_see, which says so


def counts_see(own: pd.DataFrame) -> bool:
    """Whether coverage says something here: the rows' own descriptions state half their features.

    Args:
        own: counts on the rows' own descriptions, as from `scores.score`.
    """
    return bool(own["coverage"].mean() >= HALF_SEEN)


def file_sentences(name: str, numbers: Mapping[str, int]) -> list[str]:
    """What a file holds: rows, families, texts that stand there twice, lengths.

    Args:
        name: of the file.
        numbers: as from `first_look.overview`.

    Source: notebooks/13_your_own_data.ipynb, section 13.2.
    """
    rows, shared = numbers["rows"], numbers["rows that share a description"]
    twice = f"{shared} of {rows} rows share their description with another row."
    return [
        f"{short_path(name)} holds {rows} rows in {numbers['families']} families; the largest of "
        f"them has {numbers['rows of the largest family']}.",
        twice if shared else "No description stands there twice.",
        f"Half of the descriptions have {numbers['tokens of a description (median)']} tokens or "
        f"fewer, the longest {numbers['tokens of the longest description']}; half of the rows have "
        f"{numbers['features of a row (median)']} features or fewer.",
    ]


def change(
    quantity: str,
    before: pd.Series,
    after: pd.Series,
    names: tuple[str, str],
    higher_is_better: bool = True,
) -> str:
    """Two systems on the same rows, and whether these rows tell them apart.

    They do if the 95 % interval of the mean difference does not hold 0, there are FEW_ROWS rows or
    more, and in at least FEW_DIFFER of them the systems differ.

    Args:
        quantity: for the sentence.
        before, after: (rows,) numbers of the two systems.
        names: of the two systems.

    Source: notebooks/13_your_own_data.ipynb, section 13.5; the interval: 07, section 7.3.
    """
    apart = after.astype(float) - before.astype(float)
    mean, low, high = scores.mean_interval(apart)
    said = f"{quantity}: {names[0]} {before.mean():.2f}, {names[1]} {after.mean():.2f}; "
    if len(apart) < FEW_ROWS:
        return said + f"{len(apart)} rows are too few to tell them apart."
    if low <= 0 <= high or (apart != 0).sum() < FEW_DIFFER:
        return said + f"these {len(apart)} rows can't tell them apart."
    word = "better" if (mean > 0) == higher_is_better else "worse"
    return said + f"{names[1]} is {word}, by {_amount(mean, low, high, len(apart))}."


def _amount(mean: float, low: float, high: float, rows: int) -> str:
    """A difference with its interval; rows that all differ alike have none to resample."""
    if abs(mean) < 0.01:
        return "less than 0.01"
    if low == high:
        return f"{abs(mean):.2f} in each of {rows} rows"
    low, high = sorted((abs(low), abs(high)))
    return f"{abs(mean):.2f} [{low:.2f}, {high:.2f}]"


def change_sentences(
    before: pd.DataFrame, after: pd.DataFrame, names: tuple[str, str], see: bool
) -> list[str]:
    """`change` for each count; those on features and colour only where the counts see something.

    Args:
        before, after: counts of two systems on the same rows, as from `scores.score`.
        names: of the two systems.
        see: as from `counts_see`.
    """
    counts = {"wrong colour": False, "invented number": False, "stopped": True}
    counts = ({"coverage": True, "colour named": True} if see else {}) | counts
    return [
        change(name.capitalize(), before[name], after[name], names, higher)
        for name, higher in counts.items()
    ]


def limit_sentences(counted: pd.DataFrame, max_new_tokens: int, see: bool) -> list[str]:
    """How often texts are at fault, as far as the counts see it, and how sure that is.

    Args:
        counted: a system's counts, as from `scores.score`.
        max_new_tokens: limit of one text.
        see: as from `counts_see`; if not, nothing is said of features and colour left out.
    """
    left_out = {
        "leave out a feature": counted["coverage"] < 1,
        "do not name the colour": ~counted["colour named"],
    }
    faults = (left_out if see else {}) | {
        "name a colour that the row lacks": counted["wrong colour"],
        "state a number that the row lacks": counted["invented number"],
        f"do not end within {max_new_tokens} tokens": ~counted["stopped"],
    }
    said = []
    for what, met in faults.items():
        low, high = wilson(int(met.sum()), len(met))
        said.append(
            f"{int(met.sum())} of {len(met)} texts {what} (95 % interval of the rate: "
            f"{low:.2f} to {high:.2f})."
        )
    return said


def worst_first(counted: pd.DataFrame, costs: pd.Series, see: bool) -> list[int]:
    """Places of the rows, the worst first: by faults, or where the counts see nothing, by cost.

    Args:
        counted: a system's counts, as from `scores.score`.
        costs: (rows,) NLL a token of the row's own description; it settles ties.
        see: as from `counts_see`.
    """
    faults = (
        counted["wrong colour"].astype(float) + counted["invented number"] + ~counted["stopped"]
    )
    if see:
        faults = faults + (1 - counted["coverage"]) + ~counted["colour named"]
    ranked = pd.DataFrame({"faults": faults.to_numpy(), "cost": costs.to_numpy()})
    by = ["faults", "cost"] if see else ["cost"]
    return list(ranked.sort_values(by, ascending=False, kind="stable").index)


def three_numbers(
    nll: Mapping[str, float], own: pd.DataFrame, counted: pd.DataFrame
) -> dict[str, str]:
    """NLL before and after, coverage, and texts without a fault; the rows' own beside them.

    Args:
        nll: "starting" and "tuned", in nats a token.
        own, counted: counts on the rows' own descriptions, and on the tuned model's texts.
    """
    stated, own_stated = counted["coverage"].mean(), own["coverage"].mean()
    clean, own_clean = scores.is_clean(counted).mean(), scores.is_clean(own).mean()
    blind = "" if counts_see(own) else "; measures nothing here"
    return {
        "NLL, nats a token": f"{nll['starting']:.2f} before, {nll['tuned']:.2f} after",
        "features stated": f"{stated:.2f} (your own texts: {own_stated:.2f}{blind})",
        "texts without a fault in the counts": (
            f"{clean:.2f} (your own texts: {own_clean:.2f}{blind})"
        ),
    }
