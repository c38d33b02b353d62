"""A varied row says of another product what the old one said of its own."""

import random

import pandas as pd
import pytest

from helpers import products, variation

ROW = {
    "name": "Orla Desk Lamp",
    "features": "34 cm tall, 8 W LED, 1 dimmer, A4 base, 100% cotton shade",
    "color": "amber",
    "description": (
        "The Orla Desk Lamp is an amber lamp, 34 cm tall, with an 8 W LED. Amber in colour, it has "
        "1 dimmer, an A4 base and a 100% cotton shade."
    ),
}
OTHERS = [{"name": "Brill Kettle", "color": "teal"}]
TRAIN = products.load_split("train")


@pytest.mark.parametrize(
    "old, new, text, wanted",
    [
        ("amber", "teal", "An amber lamp, amber.", "A teal lamp, teal."),
        ("teal", "olive", "a teal cup. Teal it is", "an olive cup. Olive it is"),
        ("8", "7", "an 8 W LED, 38 cm, 8.5 l", "a 7 W LED, 38 cm, 8.5 l"),
        ("3", "8", "has a 3 m cord and a 13 m rope", "has an 8 m cord and a 13 m rope"),
        ("tan", "red", "a tan mat, heather-tan, tank", "a red mat, heather-tan, tank"),
    ],
)
def test_exchange_takes_whole_words_and_mends_the_article(old, new, text, wanted):
    assert variation.exchange(text, old, new) == wanted


@pytest.mark.parametrize("number", ["34", "8", "1.7", "20,000"])
def test_another_number_keeps_its_shape(number):
    for seed in range(20):
        other = variation.other_number(number, random.Random(seed))
        assert [c.isdigit() for c in other] == [c.isdigit() for c in number]
        assert other[0] in "23456789"


def test_a_row_in_which_all_is_exchanged_is_still_true_to_itself(monkeypatch):
    monkeypatch.setattr(variation, "SHARE", 1.0)
    varied = variation.vary(ROW, OTHERS, random.Random(1))
    assert varied["name"] == "Brill Desk Lamp" and varied["color"] == "teal"
    assert "Orla" not in varied["description"] and "mber" not in varied["description"]
    assert "A4 base" in varied["features"] and "100% cotton shade" in varied["features"]
    assert "34 cm tall" not in varied["features"] and "1 dimmer" in varied["features"]
    assert variation.is_sound(varied)


def test_a_row_that_an_exchange_would_make_untrue_keeps_its_words(monkeypatch):
    monkeypatch.setattr(variation, "SHARE", 1.0)
    row = {**ROW, "description": "The Orla Desk Lamp is a lamp."}  # most of it is not said
    varied = variation.vary(row, OTHERS, random.Random(0))
    assert {k: varied[k] for k in ("name", "color", "description")} == {
        k: row[k] for k in ("name", "color", "description")
    }


def test_soundness_sees_what_the_counts_see():
    assert variation.is_sound(ROW)
    for wrong in ("It is red.", "It has 9 arms."):
        assert not variation.is_sound({**ROW, "description": f"{ROW['description']} {wrong}"})
    for missing in ("amber", "Orla", "8 W", "34 cm"):
        text = ROW["description"].replace(missing, "").replace("Amber", "")
        assert not variation.is_sound({**ROW, "description": text})


def test_the_first_pass_is_as_written_and_the_others_are_true_and_mostly_new():
    made = variation.passes(TRAIN, 3, seed=0)
    assert len(made) == 3 * len(TRAIN) and list(made.columns) == list(TRAIN.columns)
    first = made.head(len(TRAIN)).sort_values("id", ignore_index=True)
    pd.testing.assert_frame_equal(first, TRAIN.sort_values("id", ignore_index=True))
    later = made.iloc[len(TRAIN) :]
    assert all(variation.is_sound(row) for row in later.to_dict("records"))
    assert later["id"].value_counts().eq(2).all()
    written = TRAIN.set_index("id")["description"].reindex(later["id"])
    assert (later["description"].to_numpy() != written.to_numpy()).mean() > 0.9


def test_a_seed_gives_the_same_passes_again_and_another_seed_gives_others():
    one, again, other = (variation.passes(TRAIN.head(20), 2, seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(one, again)
    assert not one.equals(other)
