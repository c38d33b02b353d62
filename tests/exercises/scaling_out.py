"""Answers to the exercises of notebooks/12_scaling_out.ipynb, right ones and usual mistakes."""

from exercises import Exercise
from helpers.checks import scaling_out as on_scaling

OWN_LOSS = Exercise(
    on_scaling.check_own_loss,
    {
        "sum times processes": lambda nll, processes, add_up: (
            nll.sum() * processes / add_up(len(nll))
        ),
        "mean times its share": lambda nll, processes, add_up: (
            nll.mean() * (len(nll) * processes / add_up(len(nll)))
        ),
    },
    {
        "mean of means": ("the mean of the means", lambda nll, processes, add_up: nll.mean()),
        "DDP forgotten": (
            "DDP divides by the",
            lambda nll, processes, add_up: nll.sum() / add_up(len(nll)),
        ),
        "sums": ("sums that are not divided", lambda nll, processes, add_up: nll.sum()),
        "own targets": (
            "divided by this process's own targets",
            lambda nll, processes, add_up: nll.sum() * processes / len(nll),
        ),
        "twice as much": (
            "the mean of the gradients has to be 1.600, not 3.200",
            lambda nll, processes, add_up: 2 * nll.sum() * processes / add_up(len(nll)),
        ),
    },
)


def training_bytes(per_weight=16, kept=True, head=True, layers=True, unit=1, all_logits=False):
    """An answer to exercise 12.3, with parts that can be wrong."""

    def answer(weights, layers_, width, inner, vocab, tokens, targets):
        activations = tokens * (40 * width + 16 * inner) * (layers_ if layers else 1)
        logits = 4 * vocab * (tokens if all_logits else targets)
        return (per_weight * weights + kept * activations + head * logits) / unit

    return lambda weights, layers, width, inner, vocab, tokens, targets: answer(
        weights, layers, width, inner, vocab, tokens, targets
    )


TRAINING_BYTES = Exercise(
    on_scaling.check_training_bytes,
    {"all five parts": training_bytes()},
    {
        "weights alone": ("the weights alone", training_bytes(4, kept=False, head=False)),
        "no gradients, no moments": ("gradients and moments are missing", training_bytes(4)),
        "no moments": ("the moments are missing: AdamW", training_bytes(8)),
        "one moment": ("one moment is missing", training_bytes(12)),
        "no moments, no activations": (
            "weights and gradients only",
            training_bytes(8, kept=False, head=False),
        ),
        "nothing kept": (
            "all that depends on the rows",
            training_bytes(kept=False, head=False),
        ),
        "no activations": ("the activations are missing", training_bytes(kept=False)),
        "no logits": ("the log-probabilities are missing", training_bytes(head=False)),
        "one layer": ("the activations of one layer", training_bytes(layers=False)),
        "half": ("two bytes a number", training_bytes(unit=2)),
        "gigabytes": ("in gigabytes", training_bytes(unit=1e9)),
        "GiB": ("in GiB", training_bytes(unit=2**30)),
        "logits everywhere": ("log-probabilities of every token", training_bytes(all_logits=True)),
        "a text": (
            "return a number of bytes, not str",
            lambda weights, layers, width, inner, vocab, tokens, targets: "140 GB",
        ),
        "something else": ("not 0.000", lambda *sizes: 1),
    },
)


ROWS = [[1.0], [2.0, 2.0, 2.0]]
WEIGHTS = {1.75: "right", 1.5: "mean of means", 1.0: "same rows", 3.0: "sum of means"}


def diagnosis(rows=ROWS, judge=None, once=False, **changes):
    """An answer to exercise 12.2, with parts that can be wrong."""

    def diagnose(train):
        one = train(rows, 1)
        two = one if once else train(rows, 2)
        verdict = (judge or WEIGHTS.get)(two) or "right"
        return {"rows": rows, "one": one, "two": two, "verdict": verdict, **changes}

    return diagnose


DIAGNOSE = Exercise(
    on_scaling.check_diagnose,
    {"two rows": diagnosis()},
    {
        "equal lengths": ("both processes get equally many", diagnosis([[1.0], [2.0]])),
        "one process only": ("only both together can tell", diagnosis(once=True)),
        "equal targets": ("give the same number", diagnosis([[1.0], [1.0, 1.0]])),
        "never a fault": ("does not fit your own numbers", diagnosis(judge=lambda two: "right")),
        "own words": ("is no verdict", diagnosis(judge=lambda two: "broken")),
        "invented": ("have to be what train returned", diagnosis(two=1.9)),
        "other keys": ('return {"rows": rows', lambda train: {"verdict": "right"}),
    },
)

EXERCISES = {
    "12.1 own loss": OWN_LOSS,
    "12.3 training bytes": TRAINING_BYTES,
    "12.2 diagnose": DIAGNOSE,
}
