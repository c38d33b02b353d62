"""Checks of the exercises in notebooks/12_scaling_out.ipynb."""

import math
import threading
from collections.abc import Callable, Sequence

import torch

from helpers.checks import check

RANK_NLL = ([4.0, 4.0], [1.0] * 8)  # of section 12.3: two targets in one process, eight in another


def on_processes(own_loss: Callable, parts: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """Call an answer in as many threads as there are parts, as torchrun would in processes.

    Returns:
        Of each: the loss it returned, and the slope of that loss by a factor on all its NLLs.
    """
    processes, numbers = len(parts), {}
    barrier, found, errors = threading.Barrier(processes), {}, []

    def add_up(rank: int, number: float) -> float:
        numbers[rank] = float(number)
        barrier.wait(timeout=20)
        total = sum(numbers.values())
        barrier.wait(timeout=20)
        return total

    def work(rank: int) -> None:
        try:
            factor = torch.ones((), requires_grad=True)
            loss = own_loss(
                torch.tensor(parts[rank]) * factor,
                processes,
                lambda number: add_up(rank, number),
            )
            loss.backward()
            found[rank] = float(loss.detach()), float(factor.grad)
        except BaseException as error:  # told to the main thread below
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        broken = threading.BrokenBarrierError
        raise next((one for one in errors if not isinstance(one, broken)), errors[0])
    return [found[rank] for rank in range(processes)]


@check
def check_own_loss(own_loss: Callable) -> str | None:
    """Exercise 12.1: (NLLs of this process, processes, add_up) -> what backward() is called on."""
    for parts in (RANK_NLL, ([2.0, 1.0], [3.0]), ([1.0], [5.0, 2.0, 2.0], [4.0, 4.0])):
        losses = on_processes(own_loss, parts)
        every, processes = [nll for part in parts for nll in part], len(parts)
        right = sum(every) / len(every)
        got = sum(slope for _, slope in losses) / processes  # as DDP takes the mean of gradients
        if math.isclose(got, right, rel_tol=1e-5):
            continue
        means = [sum(part) / len(part) for part in parts]
        mistakes = {
            "the mean of the means: each process counts the same, however few targets it has": (
                sum(means) / processes
            ),
            f"DDP divides by the {processes} processes once more, so the gradient is too small": (
                right / processes
            ),
            "sums that are not divided by the targets: the gradient grows with the batch": (
                sum(every) / processes
            ),
            "divided by this process's own targets and multiplied by the processes": sum(means),
        }
        for sentence, value in mistakes.items():
            if math.isclose(got, value, rel_tol=1e-5):
                return sentence
        return f"for NLLs {parts} the mean of the gradients has to be {right:.3f}, not {got:.3f}"
    return None


SEVEN_B = dict(
    weights=6_738_415_616, layers=32, width=4096, inner=11008, vocab=32000, tokens=2048, targets=512
)  # a model of 7B, eight rows of 256 tokens
_SMALL = dict(
    weights=134_515_008, layers=30, width=576, inner=1536, vocab=49152, tokens=400, targets=170
)


@check
def check_training_bytes(training_bytes: Callable) -> str | None:
    """Exercise 12.3: a model's sizes -> bytes of a float32 training step."""
    for case in (SEVEN_B, _SMALL):
        found = training_bytes(*case.values())
        if not isinstance(found, int | float) or isinstance(found, bool):
            return f"return a number of bytes, not {type(found).__name__}"
        weights = 4 * case["weights"]
        activations = case["tokens"] * (40 * case["width"] + 16 * case["inner"]) * case["layers"]
        one_layer, logits = activations / case["layers"], 4 * case["vocab"] * case["targets"]
        right = 4 * weights + activations + logits
        if math.isclose(found, right, rel_tol=1e-4):
            continue
        mistakes = {
            "the weights alone: that is what it takes to load the model, not to train it": weights,
            "gradients and moments are missing": weights + activations + logits,
            "the moments are missing: AdamW keeps two numbers a weight": (
                2 * weights + activations + logits
            ),
            "one moment is missing: AdamW keeps two": 3 * weights + activations + logits,
            "weights and gradients only: no moments, and nothing for the rows": 2 * weights,
            "all that depends on the rows is missing: activations, log-probabilities": 4 * weights,
            "the activations are missing": 4 * weights + logits,
            "the log-probabilities are missing": 4 * weights + activations,
            "the activations of one layer: each layer keeps its own": (
                4 * weights + one_layer + logits
            ),
            "two bytes a number: these are all float32, four bytes": right / 2,
            "in gigabytes: bytes are asked for": right / 1e9,
            "in GiB: bytes are asked for": right / 2**30,
            "log-probabilities of every token: they are made only where a target is": (
                right - logits + 4 * case["vocab"] * case["tokens"]
            ),
        }
        for sentence, value in mistakes.items():
            if math.isclose(found, value, rel_tol=1e-4):
                return sentence
        return f"{right / 1e9:.3f} GB for {case}, not {found / 1e9:.3f}"
    return None


VERDICTS = ("right", "mean of means", "same rows", "sum of means")


def trainer(number: int) -> Callable[[list[list[float]], int], float]:
    """One of four toys that train in several processes; three of them have a fault.

    Args:
        number: 0 to 3.

    Returns:
        train(rows, processes) -> the weight after one step. A row is a list of targets, the loss
        of a target (weight - target)**2 / 2, the weight begins at 0, the rate is 1: so the step
        goes to the mean of all targets, if nothing is wrong. Process r gets rows[r::processes].
    """
    fault = VERDICTS[(3 * number + 1) % len(VERDICTS)]

    def train(rows: list[list[float]], processes: int) -> float:
        if not 1 <= processes <= len(rows) or not all(rows):
            raise ValueError("each process needs a row, and each row a target")
        shares = [rows[rank::processes] for rank in range(processes)]
        if fault == "same rows":
            shares = [shares[0]] * processes
        targets = [[float(one) for row in share for one in row] for share in shares]
        means = [sum(own) / len(own) for own in targets]
        if fault == "mean of means":
            return sum(means) / processes
        if fault == "sum of means":
            return sum(means)
        return sum(map(sum, targets)) / sum(map(len, targets))

    return train


@check
def check_diagnose(diagnose: Callable) -> str | None:
    """Exercise 12.2: a toy trainer -> rows, its weights with one and two processes, a verdict."""
    for number in range(4):
        train, asked = trainer(number), []

        def watched(
            rows: list, processes: int, train: Callable = train, asked: list = asked
        ) -> float:
            asked.append((rows, processes))
            return train(rows, processes)

        found = diagnose(watched)
        complaint = _not_a_diagnosis(found, train, asked)
        if complaint:
            return complaint
        right = VERDICTS[(3 * number + 1) % len(VERDICTS)]
        if found["verdict"] != right:
            return (
                f"your rows can tell, and your verdict {found['verdict']!r} does not fit your own "
                f"numbers: one process {found['one']:g}, two {found['two']:g}"
            )
    return None


def _not_a_diagnosis(found: dict, train: Callable, asked: list) -> str | None:
    if not isinstance(found, dict) or set(found) != {"rows", "one", "two", "verdict"}:
        return 'return {"rows": rows, "one": weight, "two": weight, "verdict": one of VERDICTS}'
    if found["verdict"] not in VERDICTS:
        return f"{found['verdict']!r} is no verdict: take one of {', '.join(VERDICTS)}"
    rows = found["rows"]
    if not {1, 2} <= {processes for used, processes in asked if used == rows}:
        return "run train on your rows with one process, and with two: only both together can tell"
    if [found["one"], found["two"]] != [train(rows, 1), train(rows, 2)]:
        return "one and two have to be what train returned for your rows"
    tokens = [sum(map(len, rows[rank::2])) for rank in range(2)]
    if tokens[0] == tokens[1]:
        return (
            "both processes get equally many targets: then the mean of means is the mean, and "
            "that fault can't show"
        )
    results = {trainer(number)(rows, 2) for number in range(4)}
    if len({round(one, 9) for one in results}) < len(VERDICTS):
        return "with these rows two of the four trainers give the same number: choose other targets"
    return None
