"""The probe of general ability is complete, balanced and gives no answer away by its form."""

import statistics

import pandas as pd
import pytest

from helpers import metrics
from helpers.paths import DATA

PROBE = pd.read_json(DATA / "probe" / "items.jsonl", lines=True, dtype=False)
ITEMS = list(PROBE.itertuples(index=False))
AREAS = ["science", "geography", "language", "arithmetic", "common sense"]
RESULTS = [
    *(8 + 5, 20 + 30, 15 + 9, 6 + 9, 2 + 3 + 4, 100 + 250, 40 + 40),
    *(10 - 4, 20 - 8, 50 - 35, 100 - 1, 17 - 9, 30 - 12),
    *(3 * 4, 6 * 7, 9 * 5, 8 * 10, 5 * 5, 4 * 6, 0),
    *(18 / 2, 100 / 2, 2 * 25, 20 / 4, 12 / 3, 40 / 4, 9 / 3, 50 / 10),
    *(8 + 2, 15 + 5, 200 - 1, 8 * 2, 7 - 1, 60 + 10),
    *(60, 7, 100, 1000, 3 + 2, 4 * 3),
]


def right(item):
    return item.choices[item.answer]


def wrong(item):
    return [choice for i, choice in enumerate(item.choices) if i != item.answer]


def number(choice):
    """The number that a choice begins with, in digits or in words."""
    return float(metrics.stems(choice)[0])


def test_there_are_200_items_with_ids_in_order():
    assert list(PROBE.columns) == ["id", "area", "prompt", "choices", "answer"]
    assert list(PROBE["id"]) == [f"q{i:03}" for i in range(1, 201)]


def test_each_area_has_40_items_one_area_after_the_other():
    assert list(PROBE["area"]) == [area for area in AREAS for _ in range(40)]


def test_the_right_answer_stands_10_times_at_each_position_in_every_area():
    for _, answers in PROBE.groupby("area")["answer"]:
        assert answers.value_counts().to_dict() == dict.fromkeys(range(4), 10)


def test_no_two_prompts_are_alike():
    assert PROBE["prompt"].str.lower().is_unique


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_a_prompt_breaks_off_and_has_four_different_choices_to_go_on_with(item):
    assert item.prompt == item.prompt.strip() and item.prompt[-1].isalnum()
    assert len({choice.lower() for choice in item.choices}) == len(item.choices) == 4
    for choice in item.choices:
        assert choice == choice.strip() and choice and not choice.endswith(".")


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_no_choice_is_more_than_twice_as_long_as_another(item):
    lengths = [len(choice) for choice in item.choices]
    assert max(lengths) <= 2 * min(lengths)


def test_right_and_wrong_choices_are_equally_long_on_average():
    rights = statistics.mean(len(right(item)) for item in ITEMS)
    wrongs = statistics.mean(len(choice) for item in ITEMS for choice in wrong(item))
    assert rights == pytest.approx(wrongs, rel=0.1)


def test_the_right_choice_of_an_arithmetic_item_is_the_result_and_no_other_is():
    items = [item for item in ITEMS if item.area == "arithmetic"]
    for item, result in zip(items, RESULTS, strict=True):
        assert number(right(item)) == result, item.id
        assert result not in map(number, wrong(item)), item.id


def test_the_choices_of_an_arithmetic_item_are_all_in_digits_or_all_in_words():
    for item in ITEMS:
        if item.area == "arithmetic":
            assert len({choice[0].isdigit() for choice in item.choices}) == 1, item.id
