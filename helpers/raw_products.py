"""Products as they arrive in data/raw, faults and all: an export, a supplier's file, shop pages."""

import json

import pandas as pd
from bs4 import BeautifulSoup

from helpers.paths import DATA
from helpers.products import COLUMNS

RAW = DATA / "raw"
_COLUMNS = ["id", "family", *COLUMNS]
_SUPPLIER = ["sku", "productType", "department", "title", "bullets", "colour", "copy"]


def read_raw() -> pd.DataFrame:
    """All rows of the three sources, nothing mended, as one table.

    Returns:
        id, family and the course's columns, as text; the shop's pages in the order of their text.

    Source: notebooks/02_data_curation.ipynb, section 2.1; the pages from disk, not crawled.
    """
    export = pd.read_csv(RAW / "catalogue.csv", dtype=str, keep_default_na=False)
    items = pd.read_json(RAW / "supplier.jsonl", lines=True, dtype=False)
    supplier = items[_SUPPLIER].set_axis(_COLUMNS, axis="columns")
    supplier["features"] = items["bullets"].map(", ".join)
    pages = sorted(page.read_text(encoding="utf-8") for page in (RAW / "shop").glob("p*.html"))
    shop = pd.DataFrame(product_on(BeautifulSoup(page, "html.parser")) for page in pages)
    return pd.concat([export[_COLUMNS], supplier, shop], ignore_index=True)


def product_on(soup: BeautifulSoup) -> dict[str, str]:
    """The product of a shop's page, from its JSON-LD.

    Source: notebooks/02_data_curation.ipynb, section 2.1.
    """
    item = json.loads(soup.find("script", type="application/ld+json").string)
    category, family = item["category"].split(" > ")
    features = ", ".join(feature["value"] for feature in item["additionalProperty"])
    values = [item["sku"], family, category, item["name"], features]
    return dict(zip(_COLUMNS, [*values, item["color"], item["description"]], strict=True))
