"""Notebook 01: what it defines in the open is what its exercises, checks and helpers hold."""

import math
import re
from collections import Counter

import numpy as np
import pytest
import torch

from helpers import generation, products, scores
from helpers.checks import what_is_sft as checks
from notebook_files import NOTEBOOKS, define, read, solutions

(WHAT_IS_SFT,) = (path for path in NOTEBOOKS if path.name.startswith("01"))
FACTS = ["The kettle is red, the lid too.", "The chair is blue.", "The kettle has a long cord."]


@pytest.fixture(scope="module")
def names() -> dict:
    """The retriever's functions, as the notebook defines them."""
    names = {"np": np, "re": re, "Counter": Counter}
    for function in ("words", "word_weights", "tfidf", "retrieve"):
        names[function] = define(WHAT_IS_SFT, function, **names)
    return names


def test_the_weights_are_those_of_the_exercise(names):
    (source,) = (s for s in solutions(read(WHAT_IS_SFT)) if "def idf(" in s)
    exec(source, solved := {"np": np})
    documents = [names["words"](fact) for fact in FACTS]
    assert names["word_weights"](FACTS) == pytest.approx(solved["idf"](documents))
    assert names["word_weights"](FACTS)["kettle"] == pytest.approx(math.log(3 / 2))


def test_tf_idf_is_count_times_weight_at_length_one(names):
    weights = names["word_weights"](FACTS)
    (vector,) = names["tfidf"](["kettle kettle red unknown"], weights)
    expected = {"kettle": 2 * math.log(3 / 2), "red": math.log(3)}
    length = math.hypot(*expected.values())
    for word, value in zip(weights, vector, strict=True):
        assert value == pytest.approx(expected.get(word, 0.0) / length)


def test_a_text_without_a_known_word_has_a_vector_of_zeros(names):
    weights = names["word_weights"](FACTS)
    assert not names["tfidf"](["nothing here"], weights).any()


def test_the_fact_is_found_that_shares_the_rare_word_not_the_long_one(names):
    question = "Of the kettle, is the colour of the lid the colour of the kettle?"
    assert names["retrieve"](question, FACTS) == FACTS[0]
    assert names["retrieve"]("Which kettle is the one with the cord?", FACTS) == FACTS[2]


def test_the_fingerprint_sees_a_single_changed_weight():
    import hashlib

    fingerprint = define(WHAT_IS_SFT, "fingerprint", hashlib=hashlib)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
    before = fingerprint(model)
    assert fingerprint(model) == before
    with torch.no_grad():
        model[1].bias[1] = torch.nextafter(model[1].bias[1], torch.tensor(9.0))
    assert fingerprint(model) != before


def test_gold_is_counted_like_a_completion(tiny_tokenizer):
    written = define(WHAT_IS_SFT, "written", generation=generation, tokenizer=tiny_tokenizer)
    rows = products.load_split("validation").head(3)
    counted = scores.score(rows, written(rows["description"]))
    assert counted["coverage"].tolist() == [1.0, 1.0, 1.0]
    assert counted["stopped"].all()


def test_the_cases_of_the_table_are_those_that_the_check_asks():
    text = "\n".join(cell.source for cell in read(WHAT_IS_SFT).cells)
    assert re.findall(r'^\| `"(\w+)"` \|', text, re.MULTILINE) == list(checks.CASES)


def test_the_picture_of_the_model_shows_what_the_notebook_computes():
    cells = read(WHAT_IS_SFT).cells
    (alt, path), *more = re.findall(r"!\[(.+?)\]\((.+?)\)", "\n".join(c.source for c in cells))
    picture = (WHAT_IS_SFT.parent / path).read_text(encoding="utf-8")
    shown = re.findall(r"<text [^>]*>([^<]+)</text>", picture)
    printed = "".join(
        output["text"]
        for cell in cells
        if 'batch["input_ids"].tolist' in cell.source or "probabilities.topk" in cell.source
        for output in cell.outputs
    )
    (ids,) = re.findall(r"\[\[(.+)\]\]", printed)
    assert [text for text in shown if text in ids.split(", ")] == ids.split(", ")
    top = re.findall(r"^(0\.\d\d)  '(.+)'$", printed, re.MULTILINE)
    assert len(top) == 5 and not more
    for probability, token in top:
        assert probability in shown and probability in alt
        assert token.replace(" ", "␣") in shown
