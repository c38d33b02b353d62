"""Counts on many descriptions, and their table with intervals."""

import pandas as pd

from helpers import metrics
from helpers.generation import Completion
from helpers.intervals import bootstrap_mean, wilson


def score(products: pd.DataFrame, completions: list[Completion]) -> pd.DataFrame:
    """One row a product: coverage, colour named, wrong colour, invented number, stopped, tokens.

    Source: notebooks/06_sft_trainer.ipynb, section 6.2.
    """
    records = []
    for row, done in zip(products.to_dict("records"), completions, strict=True):
        source = f"{row['name']} {row['features']} {row['color']}"
        records.append(
            {
                "coverage": metrics.coverage(row["features"].split(", "), done.text),
                "colour named": metrics.names_color(row["color"], done.text),
                "wrong colour": bool(metrics.wrong_colors(source, done.text)),
                "invented number": bool(metrics.invented_numbers(source, done.text)),
                "stopped": done.stopped,
                "tokens": done.tokens,
            }
        )
    return pd.DataFrame(records, index=products.index)


def summary(scores: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """System -> scores, as a table of means with 95 % intervals.

    Shares of rows get Wilson's interval, the mean coverage a bootstrap one.

    Source: notebooks/06_sft_trainer.ipynb, section 6.2.
    """
    table = {}
    for system, values in scores.items():
        table[system] = {
            name: f"{column.mean():.2f}  [{low:.2f}, {high:.2f}]"
            for name, column in values.drop(columns="tokens").items()
            for low, high in [
                wilson(int(column.sum()), len(column))
                if column.dtype == bool
                else bootstrap_mean(column)
            ]
        }
        table[system]["tokens (mean)"] = f"{values['tokens'].mean():.0f}"
    return pd.DataFrame(table)
