"""Checks for notebooks/01_what_is_sft.ipynb."""

import math
from collections.abc import Callable
from numbers import Real

import numpy as np
import pandas as pd

from helpers import metrics, products
from helpers.checks import check
from helpers.intervals import bootstrap_mean

DOCUMENTS = [
    ["the", "kettle", "the", "cord"],
    ["the", "cordless", "chair"],
    ["the", "kettle", "warranty"],
    ["the", "parcel"],
    ["the", "shop"],
]


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


@check
def check_idf(idf: Callable[[list[list[str]]], dict[str, float]]) -> str | None:
    """Exercise 1.1: documents as lists of words -> weight of each word."""
    found = idf([list(document) for document in DOCUMENTS])
    if not isinstance(found, dict) or not all(map(_is_number, found.values())):
        return "return a dictionary from word to number"
    words = {word for document in DOCUMENTS for word in document}
    if set(found) != words:
        return f"every word of every document has a weight, and no other; yours: {sorted(found)}"
    n = len(DOCUMENTS)
    holding = {word: sum(word in document for document in DOCUMENTS) for word in words}
    occurring = {word: sum(document.count(word) for document in DOCUMENTS) for word in words}
    all_words = sum(occurring.values())

    def same(weight: Callable[[str], float]) -> bool:
        return all(
            math.isclose(found[word], weight(word), rel_tol=1e-6, abs_tol=1e-6) for word in words
        )

    mistakes = {
        "upside down: the weight grows with the number of documents that hold the word": (
            lambda word: math.log(holding[word] / n),
            lambda word: holding[word] / n,
            lambda word: holding[word],
        ),
        "the logarithm is missing: a word of every document has to weigh 0": (
            lambda word: n / holding[word],
            lambda word: 1 / holding[word],
        ),
        "you count how often the word occurs; count the documents that hold it": (
            lambda word: math.log(n / occurring[word]),
            lambda word: math.log(all_words / occurring[word]),
        ),
        "compare whole words: 'cord' does not stand in ['the', 'cordless', 'chair']": (
            lambda word: math.log(n / sum(word in " ".join(d) for d in DOCUMENTS)),
        ),
        "the quotient has a fraction: divide with /, not with //": (
            lambda word: math.log(n // holding[word]),
        ),
        "take the natural logarithm, math.log": (
            lambda word: math.log2(n / holding[word]),
            lambda word: math.log10(n / holding[word]),
        ),
        "nothing is added to a count here: no count is 0": (
            lambda word: math.log(n / (1 + holding[word])),
            lambda word: math.log((1 + n) / (1 + holding[word])),
            lambda word: math.log((1 + n) / (1 + holding[word])) + 1,
            lambda word: math.log(n / holding[word]) + 1,
        ),
    }
    if same(lambda word: math.log(n / holding[word])):
        return None
    for sentence, weights in mistakes.items():
        if any(map(same, weights)):
            return sentence
    return "not yet the logarithm of (all documents / documents that hold the word)"


LEAST_PRODUCTS = 10  # fewer judge nothing
NEAR_ZERO = 0.01  # an interval's end this near to 0 allows both verdicts
EXPERIMENT = {"chosen_on": list, "instruction": dict, "mine": dict, "difference": Real}


@check
def check_prompt_experiment(prompt_experiment: Callable[[], dict]) -> str | None:
    """Exercise 1.2: () -> chosen_on, instruction, mine, difference, verdict."""
    found = prompt_experiment()
    if not isinstance(found, dict) or set(found) != {*EXPERIMENT, "verdict"}:
        return f"return a dictionary with {', '.join(EXPERIMENT)} and verdict"
    for key, kind in EXPERIMENT.items():
        if not isinstance(found[key], kind):
            return f"of another type than the docstring says: {key}"
    rows = products.load_split("validation").set_index("name", drop=False)
    complaint = _wrong_products(found, rows)
    if complaint:
        return complaint
    before, after = (_coverages(rows, found[key]) for key in ("instruction", "mine"))
    return _wrong_difference(found["difference"], before, after) or _wrong_verdict(
        found["verdict"], after - before
    )


def _wrong_products(found: dict, rows: pd.DataFrame) -> str | None:
    judged = set(found["mine"])
    if judged != set(found["instruction"]):
        return "both prompts have to describe the same products, else chance decides with them"
    if not judged <= set(rows.index):
        return "judge on products of validation, by their names"
    if len(judged) < LEAST_PRODUCTS:
        return f"{len(judged)} products judge nothing; take {LEAST_PRODUCTS} or more"
    if not found["chosen_on"]:
        return "say which products you looked at before you chose your prompt: chosen_on is empty"
    if judged & set(found["chosen_on"]):
        return "you judge on products that you chose the prompt on: a prompt that won there by luck"
    if any(text == rows.loc[name, "description"] for name, text in found["mine"].items()):
        return "that is the row's own description: the starting model has to write it"
    return None


def _coverages(rows: pd.DataFrame, texts: dict[str, str]) -> np.ndarray:
    """One coverage a product, in the order of the file."""
    return np.array(
        [
            metrics.coverage(row["features"].split(", "), texts[name])
            for name, row in rows.iterrows()
            if name in texts
        ]
    )


def _wrong_difference(stated: float, before: np.ndarray, after: np.ndarray) -> str | None:
    difference = (after - before).mean()

    def same(value: float) -> bool:
        return math.isclose(stated, value, abs_tol=0.005)

    if same(difference):
        return None
    if same(-difference):
        return "the sign is turned round: your prompt's coverage minus the instruction's"
    if same(after.mean()):
        return "that is the coverage of your prompt alone; compare it with the instruction's"
    if same(100 * difference):
        return "coverage is a share from 0 to 1, not per cent"
    return f"recounted from your texts, the mean difference is not {stated:.3f}"


def _wrong_verdict(verdict: object, differences: np.ndarray) -> str | None:
    low, high = bootstrap_mean(differences)
    allowed = {"better"} if low > 0 else {"worse"} if high < 0 else {"no difference"}
    if low != high and min(abs(low), abs(high)) < NEAR_ZERO:
        allowed |= {"no difference", "better" if differences.mean() > 0 else "worse"}
    if verdict in allowed:
        return None
    if verdict not in ("better", "worse", "no difference"):
        return 'the verdict is "better", "worse" or "no difference"'
    interval = f"the interval of the paired difference is [{low:+.2f}, {high:+.2f}]"
    if "no difference" in allowed:
        return f"{interval}, and 0 lies in it: these rows do not tell the prompts apart"
    if verdict == "no difference":
        return f"{interval}, and 0 lies outside: these rows do tell the prompts apart"
    return f"{interval}: it says the contrary of your verdict"


# case -> (right tool, what is wrong with each of the others)
CASES = {
    "prices": (
        "RAG",
        {
            "SFT": "prices change every night, and so would the weights have to; a table can be "
            "changed at once, and looked up",
            "f-string": "customers ask in words of their own, so the product that is meant has to "
            "be found first",
        },
    ),
    "label": (
        "f-string",
        {
            "SFT": "a fixed form with three gaps needs no model, and a model would make mistakes",
            "RAG": "there is nothing to search for: the three fields are at hand",
        },
    ),
    "voice": (
        "SFT",
        {
            "RAG": "the facts are already in the prompt; what is missing is a manner of writing",
            "f-string": "it would be complete, and the same sentence for every product",
        },
    ),
    "returns": (
        "RAG",
        {
            "SFT": "a tuned model can't quote a paragraph reliably, and every spring it would "
            "know the old edition",
            "f-string": "forty pages and free questions: the right paragraph has to be found first",
        },
    ),
    "complaints": (
        "SFT",
        {
            "RAG": "no fact is missing: reading a letter into fields is a skill, and there are "
            "2,000 examples of it",
            "f-string": "it can fill gaps, and can't read what customers wrote freely",
        },
    ),
    "parcel": (
        "f-string",
        {
            "SFT": "one sentence with two gaps needs no model, and a wrong day would be expensive",
            "RAG": "the shop's software knows the order already: nothing has to be searched for",
        },
    ),
}


@check
def check_choose(choose: Callable[[str], str]) -> str | None:
    """Exercise 1.3: case -> "f-string", "RAG" or "SFT"."""
    for case, (right, complaints) in CASES.items():
        found = choose(case)
        if found not in ("f-string", "RAG", "SFT"):
            return f'{case}: the answer is "f-string", "RAG" or "SFT", not {found!r}'
        if found != right:
            return f"{case}: {complaints[found]}"
    return None


@check
def check_training_flops(training_flops: Callable[[int, int, int, int], float]) -> str | None:
    """Exercise 1.4: (parameters, rows, tokens_a_row, passes) -> operations of the run."""
    parameters, rows, tokens, passes = sizes = (1009, 31, 127, 5)
    found = training_flops(*sizes)
    if not _is_number(found):
        return f"return a number of operations, not {found!r}"
    once = parameters * rows * tokens * passes
    mistakes = {
        "the factor is missing: each weight costs several operations for each token": once,
        "the factor 2 is the forward pass alone": 2 * once,
        "the factor 4 is the backward pass alone": 4 * once,
        "count a multiplication and an addition as two operations": 3 * once,
        "the rows are read several times: count all passes": 6 * once / passes,
        "D counts tokens, and you count rows": 6 * once / tokens,
        "that is the cost of one row, and the run has many": 6 * once / rows,
        "that is the cost of one token, and the run has many": 6 * parameters,
        "that is the number of tokens: each of them passes every weight": rows * tokens * passes,
    }
    for sentence, wrong in mistakes.items():
        if math.isclose(found, wrong, rel_tol=1e-9):
            return sentence
    if not math.isclose(found, 6 * once, rel_tol=1e-9):
        return f"for {parameters:,} parameters the result is not 6 N D; yours: {found:,.0f}"
    other = (7, 2, 3, 1)
    if not math.isclose(training_flops(*other), 6 * 7 * 2 * 3, rel_tol=1e-9):
        return "right for one run only: use the arguments"
    return None
