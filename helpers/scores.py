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
        source = metrics.source_text(row)
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


def is_clean(counted: pd.DataFrame) -> pd.Series:
    """Which texts no count can fault: all features, the colour, nothing wrong, and an end.

    Source: notebooks/09_how_much_data.ipynb, section 9.1.
    """
    wrong = counted["wrong colour"] | counted["invented number"]
    return (counted["coverage"] == 1) & counted["colour named"] & ~wrong & counted["stopped"]


def mean_interval(values: pd.Series, seed: int = 0) -> tuple[float, float, float]:
    """Mean with its 95 % interval: Wilson's where values are true or false, else a bootstrap.

    Source: notebooks/07_evaluation.ipynb, section 7.3.
    """
    if values.dtype == bool:
        return float(values.mean()), *wilson(int(values.sum()), len(values))
    return float(values.mean()), *bootstrap_mean(values.to_numpy(), seed)


def shown(mean: float, low: float, high: float) -> str:
    """A mean and its interval as they stand in the course's tables."""
    return f"{mean:.2f}  [{low:.2f}, {high:.2f}]"


def summary(scores: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """System -> scores, as a table of means with 95 % intervals.

    Shares of rows get Wilson's interval, the mean coverage a bootstrap one.

    Source: notebooks/06_sft_trainer.ipynb, section 6.2.
    """
    table = {}
    for system, values in scores.items():
        table[system] = {
            name: shown(*mean_interval(column))
            for name, column in values.drop(columns="tokens").items()
        }
        table[system]["tokens (mean)"] = f"{values['tokens'].mean():.0f}"
    return pd.DataFrame(table)
