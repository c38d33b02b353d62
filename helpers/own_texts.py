"""What the counts say of a file's own descriptions, before a model is judged by them.

A model learns to write as its rows do. Where these leave the facts out, a low count is no fault of
the model, and a high one would be no success.
"""

import pandas as pd

from helpers import metrics
from helpers.first_look import counted

_MOST = 0.9  # at least: the counts can judge a model
LITTLE = 0.5  # below: they can't, and nothing is said of the count (report.counts_seen)
_OFTEN = 0.1  # above: the model learns it
_INVENTED = (
    "name a number that the row does not hold, and a model learns to make numbers up: put it into "
    "the features, or take it out of the description"
)
_WRONG = (
    "name a colour that the row does not hold, and a model learns to make colours up: put it into "
    "the column color, or take it out of the description"
)


def own_counts(rows: pd.DataFrame) -> pd.DataFrame:
    """The counts of notebook 07, on the rows' own descriptions.

    Args:
        rows: as from `read_products`.

    Returns:
        One row a product: coverage (0 to 1), and whether the colour is named, a wrong colour or
        an invented number stands there.
    """
    records = [metrics.counts(row, row["description"]) for row in rows.to_dict("records")]
    return pd.DataFrame(records, index=rows.index)


def known_colors(rows: pd.DataFrame) -> pd.Series:
    """Whether the count of wrong colours, which has a list of English words, knows a row's colour.

    Args:
        rows: as from `read_products`.
    """
    words = rows["color"].str.lower().str.findall(r"[a-z]+")
    return words.map(lambda found: not metrics.color_lexicon().isdisjoint(found)).astype(bool)


def what_counts_see(rows: pd.DataFrame, own: pd.DataFrame) -> list[str]:
    """Whether the counts can judge a model that writes as these rows do.

    Args:
        rows: as from `read_products`.
        own: their counts, as from `own_counts` or `scores.score`.

    Returns:
        Sentences: what the own descriptions score, what follows for a model's scores, and which
        rows name a number or a colour that they do not hold, where many do.
    """
    own = own.set_axis(rows.index)
    covered, named = own["coverage"].mean(), own["colour named"].mean()
    said = [
        f"The rows' own descriptions mention {100 * covered:.0f} % of their features, and "
        f"{100 * named:.0f} % of these descriptions name the colour."
    ]
    said += _what_follows({"coverage": covered, "the share of colours named": named})
    known = known_colors(rows).mean()
    if known < LITTLE:
        said.append(
            f"The count of wrong colours knows {100 * known:.0f} % of the rows' colours, so it "
            "measures nothing here."
        )
    for name, what in (("invented number", _INVENTED), ("wrong colour", _WRONG)):
        if own[name].mean() > _OFTEN:
            said.append(counted(rows, own[name], what))
    return said


def _what_follows(counts: dict[str, float]) -> list[str]:
    """From what a count gives the rows' own descriptions to what it can say of a model."""
    blind = {what: own for what, own in counts.items() if own < LITTLE}
    said = [
        f"A model that writes as these rows do reaches about {own:.2f} in {what}: hold its score "
        "against that, and not against 1.00."
        for what, own in counts.items()
        if LITTLE <= own < _MOST
    ]
    if blind:
        measure = "measures" if len(blind) == 1 else "measure"
        said.append(
            f"So {' and '.join(blind)} {measure} nothing here: a model that writes as these rows "
            f"do scores about {' and '.join(f'{own:.2f}' for own in blind.values())}. The texts "
            "leave these facts out, or are not in English, the only language that the counts "
            "know. Judge by the NLL and by reading."
        )
    return said or [
        "So a model that writes as these rows do reaches a full score; what no count sees, a "
        "reader has to."
    ]
