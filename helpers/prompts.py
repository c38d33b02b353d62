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
