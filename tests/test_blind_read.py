"""helpers.blind_read: what readers get, and what they do not."""

import pandas as pd

from helpers import blind_read

PRODUCTS = pd.DataFrame(
    {
        "id": ["p1", "p2"],
        "family": "mug",
        "category": "Kitchen",
        "name": ["Mug", "Jug"],
        "features": "lid",
        "color": "red",
    }
)
TEXTS = pd.DataFrame(
    {
        "id": ["p1", "p1", "p2", "p1"],
        "text": ["A mug.", "A red mug.", "A jug.", "A mug."],
        "system": ["a", "b", "a", "b"],
    }
)


def test_a_text_is_read_once_beside_its_product_and_nothing_tells_what_wrote_it():
    pairs = zip(TEXTS["id"], TEXTS["text"], strict=True)
    texts = TEXTS.assign(item=[blind_read.fingerprint(*pair) for pair in pairs])
    sheet = blind_read.sheet(texts, PRODUCTS)
    facts = ["category", "name", "features", "color"]
    assert list(sheet) == ["item", "text", *facts, "label", "reason"]
    assert sorted(sheet["text"]) == ["A jug.", "A mug.", "A red mug."]
    assert list(sheet["item"]) == sorted(sheet["item"])
    assert dict(zip(sheet["text"], sheet["name"], strict=True))["A jug."] == "Jug"
    assert (sheet[["label", "reason"]] == "").all(axis=None)
