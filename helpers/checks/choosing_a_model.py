"""Checks for notebooks/04_choosing_a_model.ipynb."""

import math
from collections.abc import Callable
from numbers import Integral

from helpers.checks import check

TIED = {
    "vocab_size": 49152,
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "tie_word_embeddings": True,
}
NOT_TIED = {
    "vocab_size": 1000,
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 5,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "tie_word_embeddings": False,
}


def _count(
    config: dict,
    tables: int | None = None,
    narrow: bool = True,
    matrices: int = 3,
    norms: bool = True,
    last_norm: bool = True,
    layers: int | None = None,
) -> int:
    """Parameters of a LLaMA-like model, with one thing counted otherwise."""
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    keys = hidden * config["num_key_value_heads"] // heads if narrow else hidden
    layer = 2 * hidden * hidden + 2 * hidden * keys
    layer += matrices * hidden * config["intermediate_size"] + 2 * hidden * norms
    tables = tables if tables is not None else 2 - config["tie_word_embeddings"]
    layers = layers or config["num_hidden_layers"]
    return tables * config["vocab_size"] * hidden + layers * layer + hidden * last_norm


@check
def check_count_parameters(count_parameters: Callable[[dict], int]) -> str | None:
    """Exercise 4.1: configuration -> parameters."""
    configs = (TIED, NOT_TIED)
    found = [count_parameters(dict(config)) for config in configs]
    if any(isinstance(n, bool) or not isinstance(n, Integral) for n in found):
        return f"a count is a whole number (divide with //); yours are {found}"
    mistakes = {
        "a tied matrix is used twice and counted once": {"tables": 2},
        "where nothing is tied, the output has a matrix of its own": {"tables": 1},
        "the embedding is missing": {"tables": 0},
        "keys and values have fewer heads than queries: their matrices are narrower": {
            "narrow": False
        },
        "the MLP has three matrices, not two": {"matrices": 2},
        "the norms are missing": {"norms": False, "last_norm": False},
        "the two norms of each layer are missing": {"norms": False},
        "there is one more norm, after the last layer": {"last_norm": False},
        "only one layer is counted": {"layers": 1},
    }
    right = [_count(config) for config in configs]
    if found == right:
        return None
    for sentence, change in mistakes.items():
        if found == [_count(config, **change) for config in configs]:
            return sentence
    if found[1] == right[1]:
        return "the model with tied matrices comes out wrong, the other one right"
    if found[0] == right[0]:
        return "the model without tied matrices comes out wrong, the other one right"
    return (
        f"for a model of {NOT_TIED['num_hidden_layers']} layers with hidden size "
        f"{NOT_TIED['hidden_size']} you are off by {found[1] - right[1]:+,}"
    )


@check
def check_decoder_inputs(
    decoder_inputs: Callable[[list[list[int]], int, int], list[list[int]]],
) -> str | None:
    """Exercise 4.2: (labels, start_id, pad_id) -> what the decoder reads."""
    start, pad, end = 7, 9, 1
    labels = [[21, 22, 23, 24, end], [31, 32, end, -100, -100]]
    found = decoder_inputs([list(row) for row in labels], start, pad)
    found = [[int(token) for token in row] for row in found]

    def filled(rows: list[list[int]], filler: int = pad) -> list[list[int]]:
        return [[filler if token == -100 else token for token in row] for row in rows]

    moved = [[start, *row[:-1]] for row in labels]
    if found == filled(moved):
        return None
    if found == moved:
        return "-100 is left in: it is no token, and the decoder can't look it up"
    if found == filled(moved, start):
        return "-100 became the start token: pad_id belongs there"
    if found == filled(moved, 0):
        return "-100 became 0: pad_id belongs there, and it is not always 0"
    if found in (labels, filled(labels)):
        return "nothing moved: each position reads the token that it has to predict"
    left = [[*row[1:], pad] for row in labels]
    if found in (left, filled(left)):
        return "moved to the left: each position reads what comes after its label"
    if any(len(row) == len(given) + 1 for row, given in zip(found, labels, strict=False)):
        return "a row got longer: with one token more in front, the last one has to go"
    if [row[1:] for row in found] == [row[1:] for row in filled(moved)]:
        return f"the first token is not the start token ({start})"
    if len(found) != len(labels) or [len(row) for row in found] != [len(row) for row in labels]:
        return "rows in and rows out differ in number or length"
    return f"from labels {labels[1]} with start_id {start} and pad_id {pad} you make {found[1]}"


@check
def check_bits_from_mean(bits_from_mean: Callable[[float, int, str], float]) -> str | None:
    """Exercise 4.3: (mean NLL, tokens, text) -> bits per byte."""
    text, tokens, mean_nll = "Crème brûlée torch – 1,300 °C", 11, 2.6
    characters, size = len(text), len(text.encode("utf-8"))
    found = float(bits_from_mean(mean_nll, tokens, text))
    total = mean_nll * tokens
    mistakes = {
        "these are bits per token: the bytes of the text are missing": mean_nll / math.log(2),
        "still the mean of a token: the text costs that as often as it has tokens": (
            mean_nll / math.log(2) / size
        ),
        "these are nats per byte: divide by ln 2 to get bits": total / size,
        "nats become bits by dividing by ln 2, not by multiplying": total * math.log(2) / size,
        "these are bits per character: é and – take more than one byte": (
            total / math.log(2) / characters
        ),
        "these are nats per character: bytes are wanted, and bits": total / characters,
        "these are the bits of the whole text: divide by its bytes": total / math.log(2),
        "divided by the tokens once more: they multiply the mean": (
            mean_nll / math.log(2) / tokens
        ),
        "this is bytes per bit, the wrong way up": size / (total / math.log(2)),
    }
    if math.isclose(found, total / math.log(2) / size, rel_tol=1e-6):
        return None
    for sentence, value in mistakes.items():
        if math.isclose(found, value, rel_tol=1e-6):
            return sentence
    return (
        f"for {tokens} tokens of {mean_nll} nats and a text of {size} bytes you get {found:.4g}, "
        "which is not its cost in bits per byte"
    )


FAMILY = {
    "base": {"terms": {"keep the notice"}, "sources": []},
    "research base": {"terms": {"no commercial use"}, "sources": []},
    "reviews": {"terms": {"name the authors"}, "sources": []},
    "chat": {"terms": {"say what was changed"}, "sources": ["base", "reviews"]},
    "merge": {"terms": set(), "sources": ["chat", "research base"]},
    "shop": {"terms": {"say it is a machine"}, "sources": ["merge"]},
}


@check
def check_all_terms(all_terms: Callable[[str, dict], set[str]]) -> str | None:
    """Exercise 4.4: (name, family) -> all terms that it has to obey."""

    def gather(name: str, depth: int = 9, first: bool = False, own: bool = True) -> set[str]:
        terms = set(FAMILY[name]["terms"]) if own else set()
        sources = FAMILY[name]["sources"][: 1 if first else None]
        if depth:
            terms = terms.union(*(gather(source, depth - 1, first) for source in sources))
        return terms

    def copied() -> dict[str, dict]:
        return {
            name: {"terms": set(entry["terms"]), "sources": list(entry["sources"])}
            for name, entry in FAMILY.items()
        }

    family = copied()
    found = {name: all_terms(name, family) for name in FAMILY}
    if not all(isinstance(terms, (set, frozenset)) for terms in found.values()):
        return "return a set of terms for every name"
    if family != copied():
        return "the family itself was changed: start from a copy of a model's own terms"
    if all(found[name] == gather(name) for name in FAMILY):
        return None
    mistakes = {
        "only a model's own terms are there: its sources bind it too": {"depth": 0},
        "the sources' own sources are missing: terms travel further than one step": {"depth": 1},
        "only the first source counts: a merge has several, and data is one too": {"first": True},
        "the sources' terms are there, the model's own are missing": {"own": False},
    }
    for sentence, change in mistakes.items():
        if all(found[name] == gather(name, **change) for name in FAMILY):
            return sentence
    wrong = next(name for name in FAMILY if found[name] != gather(name))
    missing = sorted(gather(wrong) - found[wrong])
    return (
        f"{wrong!r}: missing {missing}"
        if missing
        else f"{wrong!r}: {sorted(found[wrong] - gather(wrong))} binds another model, not this one"
    )
