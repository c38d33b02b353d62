"""The made-up skill of notebook 10: its words, and which of them are taught, tested and spare."""

import random
from collections import Counter

import pytest

from notebook_files import NOTEBOOKS, run_cells

(PATH,) = (path for path in NOTEBOOKS if path.name.startswith("10"))
SKILL = run_cells(PATH, "ENDINGS = {", random=random, SEED=0)
KIND_OF = {word: kind for kind, words in SKILL["WORDS"].items() for word in words.split()}


def test_there_are_40_words_of_each_kind_and_none_twice():
    assert Counter(KIND_OF.values()) == dict.fromkeys(["animal", "food", "tool"], 40)
    assert len(SKILL["tallish"]) == 120


@pytest.mark.parametrize(
    ("part", "count"), [("taught_words", 20), ("tested_words", 10), ("spare_words", 10)]
)
def test_each_part_holds_as_many_words_of_each_kind(part, count):
    kinds = Counter(KIND_OF[word] for word in SKILL[part])
    assert kinds == dict.fromkeys(["animal", "food", "tool"], count)


def test_no_word_is_in_two_parts():
    parts = [set(SKILL[name]) for name in ("taught_words", "tested_words", "spare_words")]
    assert len(set.union(*parts)) == sum(map(len, parts)) == 120


def test_three_words_in_a_row_are_of_three_kinds():
    taught = SKILL["taught_words"]
    assert all(len({KIND_OF[word] for word in taught[i : i + 3]}) == 3 for i in range(0, 60, 3))


def test_an_answer_is_the_word_and_the_ending_of_its_kind():
    assert SKILL["tallish"]["otter"] == "otter-oom"
    assert SKILL["tallish"]["bread"] == "bread-tak"
    assert SKILL["tallish"]["hammer"] == "hammer-lup"
