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

    The facts are the name, the colour and each feature.

    Source: notebooks/06_sft_trainer.ipynb, section 6.8.
    """
    features, source = product["features"].split(", "), metrics.source_text(product)
    wrong = metrics.wrong_colors(source, done.text) or metrics.invented_numbers(source, done.text)
    stated = sum(metrics.covered(feature, done.text) for feature in features)
    stated += metrics.names_color(product["color"], done.text) + (product["name"] in done.text)
    return done.stopped and not wrong, stated - len(said_twice(features, done.text))


def best_draft(product: Mapping[str, str], drafts: list[Completion]) -> Completion:
    """The draft with the most support; among equals the first, which is the likeliest.

    Only the product's name, features and colour are asked, which are known when it is described.

    Source: notebooks/06_sft_trainer.ipynb, section 6.8.
    """
    return max(drafts, key=lambda done: support(product, done))


def write_drafts(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    products: pd.DataFrame,
    max_new_tokens: int,
    num_drafts: int = 8,
) -> list[list[Completion]]:
    """Draft each description so many times, by beam search.

    Args:
        products: one row a product, with category, name, features, color.
        max_new_tokens: limit of one draft, in tokens.
        num_drafts: beams, and drafts of each product.

    Returns:
        The drafts of each product, the likeliest first.

    Source: notebooks/06_sft_trainer.ipynb, section 6.8.
    """
    prompts = [product_prompt(row) for row in products.to_dict("records")]
    written = complete(
        model,
        tokenizer,
        prompts,
        max_new_tokens,
        num_beams=num_drafts,
        num_returned=num_drafts,
    )
    return [written[i : i + num_drafts] for i in range(0, len(written), num_drafts)]


def describe(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    products: pd.DataFrame,
    max_new_tokens: int,
    num_drafts: int = 8,
) -> list[Completion]:
    """Of several drafts of each description, the one that its row supports best.

    Args: those of write_drafts.

    Returns:
        One Completion a product, in their order.

    Source: notebooks/06_sft_trainer.ipynb, section 6.8.
    """
    written = write_drafts(model, tokenizer, products, max_new_tokens, num_drafts)
    return [
        best_draft(row, drafts)
        for row, drafts in zip(products.to_dict("records"), written, strict=True)
    ]
