"""Answers to the exercises of notebooks/01_what_is_sft.ipynb, right ones and usual mistakes."""

import math
from collections import Counter
from collections.abc import Callable

from exercises import Exercise
from helpers import products
from helpers.checks import what_is_sft as on_what_is_sft


def weighing(weight: Callable[[int, int], float], counted: Callable = set) -> Callable:
    """Exercise 1.1: a weight from (number of documents, count of the word)."""

    def idf(documents: list[list[str]]) -> dict[str, float]:
        counts = Counter(word for document in documents for word in counted(document))
        return {word: weight(len(documents), count) for word, count in counts.items()}

    return idf


def idf_in_a_loop(documents: list[list[str]]) -> dict[str, float]:
    weights = {}
    for document in documents:
        for word in document:
            holding = sum(1 for other in documents if word in other)
            weights[word] = -math.log(holding / len(documents))
    return weights


def share_of_all_words(documents: list[list[str]]) -> dict[str, float]:
    counts = Counter(word for document in documents for word in document)
    return {word: math.log(counts.total() / count) for word, count in counts.items()}


def parts_of_words(documents: list[list[str]]) -> dict[str, float]:
    texts = [" ".join(document) for document in documents]
    words = {word for document in documents for word in document}
    return {word: math.log(len(texts) / sum(word in text for text in texts)) for word in words}


IDF = Exercise(
    on_what_is_sft.check_idf,
    {"counted once a document": weighing(lambda n, d: math.log(n / d)), "loop": idf_in_a_loop},
    {
        "inverted": ("upside down", weighing(lambda n, d: math.log(d / n))),
        "document share": ("upside down", weighing(lambda n, d: d / n)),
        "document count": ("upside down", weighing(lambda n, d: d)),
        "no logarithm": ("the logarithm is missing", weighing(lambda n, d: n / d)),
        "one by count": ("the logarithm is missing", weighing(lambda n, d: 1 / d)),
        "occurrences": (
            "count the documents that hold it",
            weighing(lambda n, d: math.log(n / d), counted=list),
        ),
        "share of all words": ("count the documents that hold it", share_of_all_words),
        "whole quotient": ("divide with /", weighing(lambda n, d: math.log(n // d))),
        "parts of words": ("compare whole words", parts_of_words),
        "log2": ("take the natural logarithm", weighing(lambda n, d: math.log2(n / d))),
        "log10": ("take the natural logarithm", weighing(lambda n, d: math.log10(n / d))),
        "plus one": ("nothing is added", weighing(lambda n, d: math.log(n / (1 + d)))),
        "smoothed": ("nothing is added", weighing(lambda n, d: math.log((1 + n) / (1 + d)))),
        "smoothed, and one": (
            "nothing is added",
            weighing(lambda n, d: math.log((1 + n) / (1 + d)) + 1),
        ),
        "one added": ("nothing is added", weighing(lambda n, d: math.log(n / d) + 1)),
        "all equal": ("not yet the logarithm", weighing(lambda n, d: 1.0)),
        "a list": ("return a dictionary", lambda documents: [0.0]),
        "a dictionary of words": (
            "return a dictionary",
            lambda documents: {word: word for document in documents for word in document},
        ),
        "first document only": (
            "every word of every document",
            lambda documents: dict.fromkeys(documents[0], 0.0),
        ),
    },
)

ROWS = products.load_split("validation").head(40)
NAMES = list(ROWS["name"])
JUDGED = NAMES[10:30]
LISTS = dict(zip(NAMES, ROWS["features"], strict=True))  # covers everything
MUTE = dict.fromkeys(NAMES, "A thing.")  # covers nothing
GOLD = dict(zip(NAMES, ROWS["description"], strict=True))


def trying(mine: dict, other: dict, judged: list = JUDGED, /, **changes: object) -> Callable:
    """Exercise 1.2: the texts of two prompts, of which `mine` covers all and the other nothing."""
    result = {
        "chosen_on": NAMES[:10],
        "instruction": {name: other[name] for name in judged},
        "mine": {name: mine[name] for name in judged},
        "difference": 1.0,
        "verdict": "better",
    }
    return lambda: result | changes


def mostly(of_many: dict, of_few: dict, few: int) -> dict:
    """Texts of `of_few` for the first so many judged products, else those of `of_many`."""
    return {name: (of_few if name in JUDGED[:few] else of_many)[name] for name in NAMES}


PROMPT_EXPERIMENT = Exercise(
    on_what_is_sft.check_prompt_experiment,
    {
        "better": trying(LISTS, MUTE),
        "worse": trying(MUTE, LISTS, difference=-1.0, verdict="worse"),
        "the same": trying(LISTS, LISTS, difference=0.0, verdict="no difference"),
        "two of twenty": trying(
            mostly(MUTE, LISTS, 2), MUTE, difference=0.1, verdict="no difference"
        ),
        "two of twenty, by another bootstrap": trying(
            mostly(MUTE, LISTS, 2), MUTE, difference=0.1, verdict="better"
        ),
        "rounded": trying(mostly(MUTE, LISTS, 9), MUTE, difference=0.453),
    },
    {
        "nothing": ("return a dictionary with", lambda: None),
        "a key too few": ("return a dictionary with", lambda: {"mine": MUTE}),
        "a list of texts": ("of another type", trying(LISTS, MUTE, mine=list(LISTS.values()))),
        "a count": ("of another type", trying(LISTS, MUTE, chosen_on=10)),
        "difference in words": ("of another type", trying(LISTS, MUTE, difference="1.0")),
        "other products": (
            "the same products",
            trying(LISTS, MUTE, instruction={name: MUTE[name] for name in NAMES[20:40]}),
        ),
        "products of train": (
            "products of validation",
            trying(
                LISTS,
                MUTE,
                mine={"Mumbleton Cuddly Mole": ""},
                instruction={"Mumbleton Cuddly Mole": ""},
            ),
        ),
        "three products": ("judge nothing", trying(LISTS, MUTE, JUDGED[:3])),
        "chosen on nothing": ("chosen_on is empty", trying(LISTS, MUTE, chosen_on=[])),
        "judged where it was chosen": ("won there by luck", trying(LISTS, MUTE, NAMES[:20])),
        "gold": ("the row's own description", trying(GOLD, MUTE)),
        "the other sign": ("the sign is turned", trying(LISTS, MUTE, difference=-1.0)),
        "one coverage": (
            "of your prompt alone",
            trying(LISTS, mostly(MUTE, LISTS, 5), difference=1.0),
        ),
        "per cent": ("not per cent", trying(LISTS, MUTE, difference=100.0)),
        "miscounted": ("recounted from your texts", trying(LISTS, MUTE, difference=0.5)),
        "another word": ('the verdict is "better"', trying(LISTS, MUTE, verdict="significant")),
        "credits chance": (
            "0 lies in it",
            trying(mostly(mostly(MUTE, LISTS, 6), MUTE, 3), mostly(MUTE, LISTS, 3), difference=0.0),
        ),
        "blind to it": ("0 lies outside", trying(LISTS, MUTE, verdict="no difference")),
        "the loser": ("the contrary of your verdict", trying(LISTS, MUTE, verdict="worse")),
    },
)

TOOLS = {
    "prices": "RAG",
    "label": "f-string",
    "voice": "SFT",
    "returns": "RAG",
    "complaints": "SFT",
    "parcel": "f-string",
}


def choosing(**changes: str) -> Callable:
    """Exercise 1.3 answered right, but for the given cases."""
    return (TOOLS | changes).__getitem__


CHOOSE = Exercise(
    on_what_is_sft.check_choose,
    {"by case": choosing()},
    {
        "prices: SFT": ("prices: prices change every night", choosing(prices="SFT")),
        "prices: f-string": ("prices: customers ask in words", choosing(prices="f-string")),
        "label: SFT": ("label: a fixed form with three gaps", choosing(label="SFT")),
        "label: RAG": ("label: there is nothing to search for", choosing(label="RAG")),
        "voice: RAG": ("voice: the facts are already in the prompt", choosing(voice="RAG")),
        "voice: f-string": ("voice: it would be complete", choosing(voice="f-string")),
        "returns: SFT": ("returns: a tuned model can't quote", choosing(returns="SFT")),
        "returns: f-string": ("returns: forty pages", choosing(returns="f-string")),
        "complaints: RAG": ("complaints: no fact is missing", choosing(complaints="RAG")),
        "complaints: f-string": ("complaints: it can fill gaps", choosing(complaints="f-string")),
        "parcel: SFT": ("parcel: one sentence with two gaps", choosing(parcel="SFT")),
        "parcel: RAG": ("parcel: the shop's software knows", choosing(parcel="RAG")),
        "SFT for everything": ("prices: prices change every night", lambda case: "SFT"),
        "another word": ('prices: the answer is "f-string", "RAG" or "SFT"', lambda case: "LoRA"),
        "nothing": ('prices: the answer is "f-string", "RAG" or "SFT"', lambda case: None),
    },
)


def flops(factor: float, leave_out: str = "") -> Callable:
    """Exercise 1.4: a product of all sizes but one."""

    def training_flops(parameters: int, rows: int, tokens_a_row: int, passes: int) -> float:
        sizes = {"rows": rows, "tokens": tokens_a_row, "passes": passes}
        sizes = {name: size for name, size in sizes.items() if name not in leave_out}
        return factor * parameters * math.prod(sizes.values())

    return training_flops


TRAINING_FLOPS = Exercise(
    on_what_is_sft.check_training_flops,
    {"6 N D": flops(6), "as a float": flops(6.0)},
    {
        "no factor": ("the factor is missing", flops(1)),
        "forward": ("the factor 2 is the forward pass alone", flops(2)),
        "backward": ("the factor 4 is the backward pass alone", flops(4)),
        "no additions": ("count a multiplication and an addition", flops(3)),
        "one pass": ("the rows are read several times", flops(6, "passes")),
        "rows": ("D counts tokens, and you count rows", flops(6, "tokens")),
        "one row": ("that is the cost of one row", flops(6, "rows")),
        "one token": ("that is the cost of one token", flops(6, "rows tokens passes")),
        "no weights": ("that is the number of tokens", lambda n, *sizes: math.prod(sizes)),
        "another factor": ("the result is not 6 N D", flops(8)),
        "a constant": ("use the arguments", lambda *sizes: 6 * 1009 * 31 * 127 * 5),
        "text in a list": ("return a number of operations", lambda *sizes: ["6 N D"]),
        "nothing": ("return a number of operations", lambda *sizes: None),
        "a truth value": ("return a number of operations", lambda *sizes: True),
    },
)

EXERCISES = {
    "01 idf": IDF,
    "01 prompt_experiment": PROMPT_EXPERIMENT,
    "01 choose": CHOOSE,
    "01 training_flops": TRAINING_FLOPS,
}
