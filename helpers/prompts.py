"""The course's prompt: four fields of a product, then `Description:`."""

import pandas as pd
from datasets import Dataset


def product_prompt(product: pd.Series | dict[str, str]) -> str:
    """The text before the description; it ends without a space, so that it stays a token prefix.

    Source: notebooks/03_tokenization.ipynb, section 3.2.
    """
    return (
        f"Category: {product['category']}\n"
        f"Name: {product['name']}\n"
        f"Color: {product['color']}\n"
        f"Features: {product['features']}\n"
        "Description:"
    )


def template_text(product: pd.Series | dict[str, str]) -> str:
    """A description by an f-string: what a model has to beat.

    A row with one feature says so in one; 07's rows have three or more.

    Source: notebooks/07_evaluation.ipynb, section 7.1 (as `template_filler`).
    """
    *first, last = product["features"].split(", ")
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"The {product['name']} comes in {product['color']}. Its features are: {listed}."


def prompt_completion(products: pd.DataFrame) -> Dataset:
    """Rows with a string `prompt` and a string `completion`, the columns SFTTrainer masks right.

    Source: notebooks/06_sft_trainer.ipynb, section 6.1.
    """
    return Dataset.from_list(
        [
            {"prompt": product_prompt(row), "completion": " " + row["description"]}
            for row in products.to_dict("records")
        ]
    )
