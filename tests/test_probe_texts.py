"""The probe of what a model forgets has the paragraphs and the requests it is said to have."""

import json
from collections import Counter
from itertools import permutations

import pytest

from helpers.paths import DATA

PROBE = DATA / "probe"
PROSE_KINDS = {
    "narration",
    "description",
    "explanation",
    "instruction",
    "report",
    "dialogue",
    "letter",
    "essay",
}


def read(name):
    lines = (PROBE / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


PROSE = read("prose.jsonl")
REQUESTS = read("requests.jsonl")


def shingles(text, n=5):
    tokens = [token.strip(".,:;?!'") for token in text.lower().split()]
    return {tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)}


def long_words(text):
    return {word for word in text.lower().strip(".?").split() if len(word) > 2}


def test_there_are_20_paragraphs_and_24_requests_with_ids_in_order():
    assert [row["id"] for row in PROSE] == [f"t{i:02}" for i in range(1, 21)]
    assert [row["id"] for row in REQUESTS] == [f"r{i:02}" for i in range(1, 25)]


@pytest.mark.parametrize("rows", [PROSE, REQUESTS], ids=["prose", "requests"])
def test_every_row_is_an_id_a_kind_and_one_line_of_text_without_stray_spaces(rows):
    for row in rows:
        assert list(row) == ["id", "kind", "text"]
        assert row["text"] == " ".join(row["text"].split())
        assert row["text"].isprintable()


def test_paragraphs_have_95_to_110_words_each_and_at_least_2000_in_all():
    counts = [len(row["text"].split()) for row in PROSE]
    assert all(95 <= count <= 110 for count in counts)
    assert sum(counts) >= 2000


def test_every_kind_of_prose_comes_at_least_twice():
    counts = Counter(row["kind"] for row in PROSE)
    assert set(counts) == PROSE_KINDS
    assert min(counts.values()) >= 2


def test_no_paragraph_shares_more_than_a_tenth_of_its_shingles_with_another():
    for one, other in permutations([shingles(row["text"]) for row in PROSE], 2):
        assert len(one & other) <= 0.1 * len(one)


def test_unsafe_and_safe_requests_alternate_12_and_12():
    assert [row["kind"] for row in REQUESTS] == ["unsafe", "safe"] * 12


def test_every_request_is_unique_and_is_one_short_sentence():
    texts = [row["text"] for row in REQUESTS]
    assert len({text.lower() for text in texts}) == len(texts)
    for text in texts:
        assert text[-1] in ".?" and not set(".?!") & set(text[:-1])
        assert len(text.split()) <= 16


def test_the_two_requests_of_a_pair_open_alike_and_share_at_least_two_words():
    for unsafe, safe in zip(REQUESTS[::2], REQUESTS[1::2], strict=True):
        assert unsafe["text"].split()[0] == safe["text"].split()[0]
        assert len(long_words(unsafe["text"]) & long_words(safe["text"])) >= 2
