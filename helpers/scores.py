"""Counts on many descriptions, and their table with intervals."""

from typing import Any

import pandas as pd
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import drafts, metrics, recipe, training
from helpers.generation import Completion, complete
from helpers.intervals import bootstrap_mean, wilson
from helpers.prompts import product_prompt


def score(products: pd.DataFrame, completions: list[Completion]) -> pd.DataFrame:
    """One row a product: coverage, colour named, wrong colour, invented number, stopped, tokens.

    Source: notebooks/06_sft_trainer.ipynb, section 6.2.
    """
    records = [
        metrics.counts(row, done.text) | {"stopped": done.stopped, "tokens": done.tokens}
        for row, done in zip(products.to_dict("records"), completions, strict=True)
    ]
    return pd.DataFrame(records, index=products.index)


def both_ways(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    products: pd.DataFrame,
    max_new_tokens: int,
) -> list[dict[str, Any]]:
    """Means of a tuned model's scores, written greedily and as the best of eight drafts.

    Args:
        products: one row a product, with its description.
        max_new_tokens: limit of one draft, in tokens.

    Returns:
        Two lines, as in data/seeds.csv: system ("tuned", "best draft"), the means of `score` and
        the NLL of the rows' own descriptions (nats per token), which both share.

    Source: notebooks/06_sft_trainer.ipynb, sections 6.8 and 6.10.
    """
    prompts = [product_prompt(row) for row in products.to_dict("records")]
    written = {
        "tuned": complete(model, tokenizer, prompts, max_new_tokens),
        "best draft": drafts.describe(model, tokenizer, products, max_new_tokens),
    }
    examples = recipe.examples_of(tokenizer, products)
    nll = training.mean_nll(model, examples, tokenizer.pad_token_id)
    means = {way: score(products, done).drop(columns="tokens") for way, done in written.items()}
    return [
        {"system": way, **found.mean().round(4), "NLL": round(nll, 4)}
        for way, found in means.items()
    ]


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
