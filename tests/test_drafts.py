"""Of several drafts, the one that states most of its row and nothing else is kept."""

import pandas as pd
import pytest

from helpers import drafts
from helpers.generation import Completion, complete
from helpers.prompts import product_prompt

ROW = {
    "category": "Home",
    "name": "Orla Lamp",
    "features": "34 cm tall, 8 W LED, linen shade",
    "color": "amber",
}
GOOD = "The amber Orla Lamp is 34 cm tall. It has an 8 W LED and a linen shade."


def draft(text, stopped=True):
    return Completion(text, 20, stopped)


@pytest.mark.parametrize(
    "worse",
    [
        draft("The amber Orla Lamp is 34 cm tall. It has an 8 W LED."),
        draft("The Orla Lamp is 34 cm tall. It has an 8 W LED and a linen shade."),
        draft("The amber Orla Lamp is 34 cm tall, with a red cord, an 8 W LED and a linen shade."),
        draft("The amber Orla Lamp is 34 cm tall. Its 8 W LED and linen shade cost 90 pounds."),
        draft(GOOD.replace("Orla Lamp", "orla lamp")),
        draft(GOOD + " The lamp has a linen shade."),
        draft(GOOD, stopped=False),
    ],
    ids=["feature", "colour", "wrong colour", "number", "name", "twice", "cut off"],
)
def test_the_better_draft_is_kept_wherever_it_stands(worse):
    good = draft(GOOD)
    assert drafts.best_draft(ROW, [worse, good]) is good
    assert drafts.best_draft(ROW, [good, worse]) is good


def test_among_equals_the_first_is_kept():
    first, second = draft(GOOD), draft(GOOD.replace("has", "comes with"))
    assert drafts.best_draft(ROW, [first, second]) is first


def test_a_feature_is_said_twice_only_if_two_sentences_mention_it():
    features = ROW["features"].split(", ")
    assert drafts.said_twice(features, GOOD) == []
    assert drafts.said_twice(features, GOOD + " The linen shade is linen.") == ["linen shade"]
    assert drafts.said_twice(["linen shade"], "A linen shade, a linen shade.") == []


def test_each_product_gets_one_of_its_own_drafts(tiny_model, tiny_tokenizer):
    table = pd.DataFrame([ROW, {**ROW, "name": "Brill Kettle", "color": "teal"}])
    done = drafts.describe(tiny_model, tiny_tokenizer, table, max_new_tokens=6, num_drafts=3)
    for row, one in zip(table.to_dict("records"), done, strict=True):
        own = complete(
            tiny_model, tiny_tokenizer, [product_prompt(row)], 6, num_beams=3, num_returned=3
        )
        assert len(own) == 3 and one in own
        assert drafts.support(row, one) == max(drafts.support(row, other) for other in own)
