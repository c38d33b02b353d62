"""Several drafts of a description, and the one that its row supports best."""

import re
from collections.abc import Mapping

import pandas as pd
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import metrics
from helpers.generation import Completion, complete
from helpers.prompts import product_prompt


def said_twice(features: list[str], text: str) -> list[str]:
    """Features that more than one sentence of the text mentions.

    Source: notebooks/06_sft_trainer.ipynb, section 6.8.
    """
    sentences = re.split(r"(?<=[.!?])\s+", text)
    return [f for f in features if sum(metrics.covered(f, one) for one in sentences) > 1]


def support(product: Mapping[str, str], done: Completion) -> tuple[bool, float]:
    """How well a row supports a draft: (nothing wrong, facts stated less features said twice).

    Source: notebooks/06_sft_trainer.ipynb, section 6.8.
    """
    features, source = product["features"].split(", "), metrics.source_text(product)
    wrong = metrics.wrong_colors(source, done.text) or metrics.invented_numbers(source, done.text)
    stated = sum(metrics.covered(feature, done.text) for feature in features)
    stated += metrics.names_color(product["color"], done.text)
    return done.stopped and not wrong, stated - len(said_twice(features, done.text))


def best_draft(product: Mapping[str, str], drafts: list[Completion]) -> Completion:
    """The draft with the most support; among equals the first, which is the likeliest.

    Only the product's name, features and colour are asked, which are known when it is described.

    Source: notebooks/06_sft_trainer.ipynb, section 6.8.
    """
    return max(drafts, key=lambda done: support(product, done))


def describe(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    products: pd.DataFrame,
    max_new_tokens: int,
    num_drafts: int = 4,
) -> list[Completion]:
    """Draft each description so many times by beam search, and keep the one with most support.

    Args:
        products: one row a product, with category, name, features, color.
        max_new_tokens: limit of one draft, in tokens.
        num_drafts: beams, and drafts that are compared.

    Returns:
        One Completion a product, in their order.

    Source: notebooks/06_sft_trainer.ipynb, section 6.8.
    """
    rows = products.to_dict("records")
    drafts = complete(
        model,
        tokenizer,
        [product_prompt(row) for row in rows],
        max_new_tokens,
        num_beams=num_drafts,
        num_returned=num_drafts,
    )
    parts = [drafts[i : i + num_drafts] for i in range(0, len(drafts), num_drafts)]
    return [best_draft(row, part) for row, part in zip(rows, parts, strict=True)]
