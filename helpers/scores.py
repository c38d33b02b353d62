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


def spread(values: pd.Series, digits: int = 2) -> str:
    """Mean of several runs, and in brackets the lowest and the highest; one run has no brackets."""
    ends = f"  [{values.min():.{digits}f}, {values.max():.{digits}f}]" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{ends}"


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
