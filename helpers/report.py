"""A run told in sentences: what each one says is chosen by the numbers that it states."""

from collections.abc import Mapping, Sequence

import pandas as pd

from helpers import own_texts, scores
from helpers.intervals import wilson
from helpers.product_errors import short_path

FEW_ROWS = 10  # below, no two systems are told apart
FEW_DIFFER = 6  # five rows that all differ one way happen by chance in 1 of 16: 2 * 0.5 ** 5
COUNTS = {  # name of a count -> whether more of it is better
    "coverage": True,
    "colour named": True,
    "wrong colour": False,
    "invented number": False,
    "stopped": True,
}


def counts_seen(rows: pd.DataFrame, own: pd.DataFrame) -> list[str]:
    """The counts that say something on these rows.

    Coverage and colour named: if the rows' own descriptions reach half of a full score. Wrong
    colour: if its English words hold half of the rows' colours. The others need no language.

    Args:
        rows: as from `read_products`.
        own: counts on their own descriptions, as from `scores.score`.

    Source: notebooks/13_your_own_data.ipynb, section 13.2.
    """
    reached = {
        "coverage": own["coverage"].mean(),
        "colour named": own["colour named"].mean(),
        "wrong colour": own_texts.known_colors(rows).mean(),
    }
    return [name for name in COUNTS if reached.get(name, 1) >= own_texts.LITTLE]


def faults(counted: pd.DataFrame, seen: Sequence[str]) -> pd.DataFrame:
    """Which text is at fault in which of the counts that say something here.

    Args:
        counted: a system's counts, as from `scores.score`.
        seen: as from `counts_seen`.

    Returns:
        (texts, counts) true or false.

    Source: notebooks/13_your_own_data.ipynb, section 13.5.
    """
    full = {name: counted[name] == 1 if more else ~counted[name] for name, more in COUNTS.items()}
    return ~pd.DataFrame({name: full[name] for name in seen}, dtype=bool)


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


def told_apart(before: pd.Series, after: pd.Series) -> str:
    """ "higher" or "lower" for the second of two systems, or "" where the rows don't tell.

    They do if the 95 % interval of the mean difference does not hold 0, there are FEW_ROWS rows or
    more, and in at least FEW_DIFFER of them the systems differ.

    Args:
        before, after: (rows,) numbers of the two systems, row by row.

    Source: notebooks/13_your_own_data.ipynb, section 13.4; the interval: 07, section 7.3.
    """
    apart = after.astype(float) - before.astype(float)
    mean, low, high = scores.mean_interval(apart)
    if len(apart) < FEW_ROWS or low <= 0 <= high or (apart != 0).sum() < FEW_DIFFER:
        return ""
    return "higher" if mean > 0 else "lower"


def change(
    quantity: str,
    before: pd.Series,
    after: pd.Series,
    names: tuple[str, str],
    higher_is_better: bool | None = True,
    digits: int = 2,
) -> str:
    """Two systems on the same rows, and whether these rows tell them apart (`told_apart`).

    Args:
        quantity: for the sentence.
        before, after: (rows,) numbers of the two systems.
        names: of the two systems.
        higher_is_better: None says higher or lower, and not better or worse.
        digits: of the numbers.

    Source: notebooks/13_your_own_data.ipynb, section 13.4.
    """
    told, rows = told_apart(before, after), len(before)
    said = (
        f"{quantity}: {names[0]} {before.mean():.{digits}f}, {names[1]} {after.mean():.{digits}f}; "
    )
    if rows < FEW_ROWS:
        return said + f"{rows} rows are too few to tell them apart."
    if not told:
        return said + f"these {rows} rows can't tell them apart."
    better = (told == "higher") == higher_is_better
    word = told if higher_is_better is None else "better" if better else "worse"
    amount = _amount(
        *scores.mean_interval(after.astype(float) - before.astype(float)), rows, digits
    )
    return said + f"{names[1]} is {word}, by {amount}."


def _amount(mean: float, low: float, high: float, rows: int, digits: int) -> str:
    """A difference with its interval; rows that all differ alike have none to resample."""
    if abs(mean) < 10**-digits:
        return f"less than {10**-digits:g}"
    if low == high:
        return f"{abs(mean):.{digits}f} in each of {rows} rows"
    low, high = sorted((abs(low), abs(high)))
    return f"{abs(mean):.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def change_sentences(
    before: pd.DataFrame,
    after: pd.DataFrame,
    names: tuple[str, str],
    seen: Sequence[str],
    judge: bool = True,
) -> list[str]:
    """`change` for each count that says something here.

    Args:
        before, after: counts of two systems on the same rows, as from `scores.score`.
        names: of the two systems.
        seen: as from `counts_seen`.
        judge: whether to say better and worse, or else higher and lower.
    """
    return [
        change(name.capitalize(), before[name], after[name], names, COUNTS[name] if judge else None)
        for name in seen
    ]


def limit_sentences(counted: pd.DataFrame, max_new_tokens: int, seen: Sequence[str]) -> list[str]:
    """How often texts are at fault, as far as the counts see it, and how sure that is.

    Args:
        counted: a system's counts, as from `scores.score`.
        max_new_tokens: limit of one text.
        seen: as from `counts_seen`.
    """
    told = {
        "coverage": "leave out a feature",
        "colour named": "do not name the colour",
        "wrong colour": "name a colour that the row lacks",
        "invented number": "state a number that the row lacks",
        "stopped": f"do not end within {max_new_tokens} tokens",
    }
    said = []
    for name, met in faults(counted, seen).items():
        low, high = wilson(int(met.sum()), len(met))
        said.append(
            f"{int(met.sum())} of {len(met)} texts {told[name]} (95 % interval of the rate: "
            f"{low:.2f} to {high:.2f})."
        )
    return said


def worst_first(counted: pd.DataFrame, costs: pd.Series, seen: Sequence[str]) -> list[int]:
    """Places of the rows, the worst first: by faults, then by cost.

    Args:
        counted: a system's counts, as from `scores.score`. A feature left out counts in part.
        costs: (rows,) NLL a token of the row's own description.
        seen: as from `counts_seen`.
    """
    number = faults(counted, seen).sum(axis=1)
    if "coverage" in seen:
        number = number - (counted["coverage"] < 1) + (1 - counted["coverage"])
    ranked = pd.DataFrame({"faults": number.to_numpy(), "cost": costs.to_numpy()})
    return list(ranked.sort_values(["faults", "cost"], ascending=False, kind="stable").index)


def verdict(
    nll: tuple[pd.Series, pd.Series],
    template: pd.DataFrame,
    best: pd.DataFrame,
    seen: Sequence[str],
) -> list[str]:
    """Whether the training helped, where the model differs from an f-string, what stays unknown.

    Args:
        nll: (rows,) of the rows' own descriptions, before and after the training.
        template, best: counts of the f-string and of the best draft, as from `scores.score`.
        seen: as from `counts_seen`.

    Source: notebooks/13_your_own_data.ipynb, recap.
    """
    gained = {
        "lower": "The tuned model predicts your descriptions better than the starting one.",
        "higher": "The tuned model predicts your descriptions worse than the starting one.",
        "": "These rows can't tell whether the tuned model predicts your descriptions better.",
    }
    told = {name: told_apart(template[name], best[name]) for name in seen if name != "stopped"}
    differ = [f"{name} ({word})" for name, word in told.items() if word]
    counts = ", ".join(differ) or "no count"
    return [
        gained[told_apart(*nll)],
        f"On these {len(best)} rows the best draft is told from the f-string by {counts}.",
        "How a text reads, and whether a fact is tied to the right thing, no count says: read.",
    ]


def three_numbers(
    nll: Mapping[str, float], own: pd.DataFrame, counted: pd.DataFrame, seen: Sequence[str]
) -> dict[str, str]:
    """NLL before and after, coverage, and texts without a fault; the rows' own beside them.

    Args:
        nll: "starting" and "tuned", in nats a token.
        own, counted: counts on the rows' own descriptions, and on the best drafts.
        seen: as from `counts_seen`; in the others no text is at fault.
    """
    stated, own_stated = counted["coverage"].mean(), own["coverage"].mean()
    clean, own_clean = (1 - faults(one, seen).any(axis=1).mean() for one in (counted, own))
    blind = "" if "coverage" in seen else "; measures nothing here"
    return {
        "NLL, nats a token": f"{nll['starting']:.2f} before, {nll['tuned']:.2f} after",
        "features stated, best draft": f"{stated:.2f} (your own texts: {own_stated:.2f}{blind})",
        "best drafts without a fault in the counts": (
            f"{clean:.2f} (your own texts: {own_clean:.2f})"
        ),
    }
