"""Answers to the exercises of notebooks/03_tokenization.ipynb, right ones and usual mistakes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from exercises import Exercise
from helpers.checks import tokenization as on_tokenization


def mask_in_place(input_ids: list[int], prompt: int) -> list[int]:
    input_ids[:prompt] = [-100] * prompt
    return input_ids


def all_but_position(wrong: int) -> Callable:
    def labels(ids: list[int], prompt: int) -> list[int]:
        right = [-100] * prompt + ids[prompt:]
        right[wrong] = 99
        return right

    return labels


RESPONSE_LABELS = Exercise(
    on_tokenization.check_response_labels,
    {
        "two pieces": lambda ids, prompt: [-100] * prompt + ids[prompt:],
        "one by one": lambda ids, prompt: [
            token if place >= prompt else -100 for place, token in enumerate(ids)
        ],
        "a tensor": lambda ids, prompt: torch.tensor([-100] * prompt + ids[prompt:]),
        "an array": lambda ids, prompt: np.array([-100] * prompt + ids[prompt:]),
    },
    {
        "inverted": (
            "the mask is inverted: the prompt is scored and the answer is hidden",
            lambda ids, prompt: ids[:prompt] + [-100] * (len(ids) - prompt),
        ),
        "nothing masked": ("nothing is masked", lambda ids, prompt: list(ids)),
        "all masked": ("everything is masked", lambda ids, prompt: [-100] * len(ids)),
        "one too many": (
            "one off: the first token of the answer is masked",
            lambda ids, prompt: [-100] * (prompt + 1) + ids[prompt + 1 :],
        ),
        "one too few": (
            "one off: the last token of the prompt carries loss",
            lambda ids, prompt: [-100] * (prompt - 1) + ids[prompt - 1 :],
        ),
        "shifted, with -100 at the end": (
            "the labels are shifted by one",
            lambda ids, prompt: [-100] * (prompt - 1) + ids[prompt:] + [-100],
        ),
        "no end": (
            "the end token is masked",
            lambda ids, prompt: [-100] * prompt + ids[prompt:-1] + [-100],
        ),
        "by the id of the end": (
            "the end token is masked",
            lambda ids, prompt: [
                -100 if place < prompt or token == 2 else token for place, token in enumerate(ids)
            ],
        ),
        "zeros": ("0 is a token like any other", lambda ids, prompt: [0] * prompt + ids[prompt:]),
        "the answer alone": ("7 tokens need 7 labels", lambda ids, prompt: ids[prompt:]),
        "in place": ("input_ids were changed", mask_in_place),
        "nothing": ("return a list of whole numbers, not None", lambda ids, prompt: None),
        "truth values": (
            "return a list of whole numbers, not [False",
            lambda ids, prompt: [place >= prompt for place in range(len(ids))],
        ),
        "wrong in the prompt": ("position 0, in the prompt", all_but_position(0)),
        "wrong in the answer": ("position 6, in the answer", all_but_position(-1)),
    },
)


def by_length(extra: int) -> Callable:
    def labels(ids: Tensor, mask: Tensor, pad: int) -> Tensor:
        places, lengths = torch.arange(ids.shape[1]), mask.sum(1, keepdim=True)
        return ids.masked_fill(places >= lengths + extra, -100)

    return labels


def padding_in_place(ids: Tensor, mask: Tensor, pad: int) -> Tensor:
    labels = ids
    labels[mask == 0] = -100
    return labels


def mask_changed(ids: Tensor, mask: Tensor, pad: int) -> Tensor:
    labels = ids.masked_fill(mask == 0, -100)
    mask[mask == 0] = -100
    return labels


def one_wrong(ids: Tensor, mask: Tensor, pad: int) -> Tensor:
    labels = ids.masked_fill(mask == 0, -100)
    labels[0, 1] = 77
    return labels


MASK_PADDING = Exercise(
    on_tokenization.check_mask_padding,
    {
        "masked_fill": lambda ids, mask, pad: ids.masked_fill(mask == 0, -100),
        "where": lambda ids, mask, pad: torch.where(mask.bool(), ids, -100),
        "arithmetic": lambda ids, mask, pad: ids * mask - 100 * (1 - mask),
    },
    {
        "by id": (
            "the padding is masked by its id",
            lambda ids, mask, pad: ids.masked_fill(ids == pad, -100),
        ),
        "nothing masked": ("nothing is masked", lambda ids, mask, pad: ids.clone()),
        "all masked": ("everything is masked", lambda ids, mask, pad: torch.full_like(ids, -100)),
        "inverted": (
            "the mask is inverted: only the padding is trained",
            lambda ids, mask, pad: ids.masked_fill(mask == 1, -100),
        ),
        "one too many": ("the last real token of each row is masked too", by_length(-1)),
        "one too few": ("the first token of the padding is trained", by_length(1)),
        "by length": ("the padding is taken to stand on the right", by_length(0)),
        "zeros": ("0 is a token like any other", lambda ids, mask, pad: ids * mask),
        "in place": ("input_ids were changed", padding_in_place),
        "mask changed": ("attention_mask was changed", mask_changed),
        "floats": (
            "the loss refuses torch.float32",
            lambda ids, mask, pad: torch.where(mask.bool(), ids, -100.0),
        ),
        "a list": (
            "return a tensor of the shape of input_ids",
            lambda ids, mask, pad: ids.masked_fill(mask == 0, -100).tolist(),
        ),
        "nothing": ("return a tensor of the shape of input_ids", lambda ids, mask, pad: None),
        "one place wrong": ("row 0, position 1 should not be 77", one_wrong),
    },
)


Sizes = Callable[[list[int], int], Any]


def packed(lengths: list[int], size: int) -> int:
    """Positions of the packed sequences."""
    sequences: list[list[int]] = []
    for length in sorted(lengths, reverse=True):
        fitting = [sequence for sequence in sequences if sum(sequence) + length <= size]
        if fitting:
            max(fitting, key=sum).append(length)
        else:
            sequences.append([length])
    return size * len(sequences)


def share(lengths: list[int], size: int) -> float:
    return 1 - sum(lengths) / packed(lengths, size)


def best(lengths: list[int], largest: int, first: int | None = None, step: int = 1) -> tuple:
    sizes = range(first or max(lengths), largest + 1, step)
    return min((round(share(lengths, size), 9), size) for size in sizes)[::-1]


def tried(size: Sizes) -> Sizes:
    """The share at a size that was found in another way."""
    return lambda lengths, largest: (
        size(lengths, largest),
        share(lengths, size(lengths, largest)),
    )


def fewest_sequences(lengths: list[int], largest: int) -> int:
    return min(
        range(max(lengths), largest + 1), key=lambda size: (packed(lengths, size) / size, size)
    )


def other_share(of: Callable[[list[int], int], float]) -> Sizes:
    return lambda lengths, largest: (
        best(lengths, largest)[0],
        of(lengths, best(lengths, largest)[0]),
    )


def sorted_in_place(lengths: list[int], largest: int) -> tuple:
    found = best(lengths, largest)
    lengths.sort()
    return found


def as_they_come(lengths: list[int], largest: int) -> tuple:
    """A new sequence whenever the next row does not fit into the last one."""

    def positions(size: int) -> int:
        sequences, room = 0, 0
        for length in lengths:
            if length > room:
                sequences, room = sequences + 1, size
            room -= length
        return size * sequences

    sizes = range(max(lengths), largest + 1)
    return min((1 - sum(lengths) / positions(size), size) for size in sizes)[::-1]


BEST_SIZE = Exercise(
    on_tokenization.check_best_size,
    {
        "every size": best,
        "a list": lambda lengths, largest: list(best(lengths, largest)),
        "rounded to three places": lambda lengths, largest: (
            best(lengths, largest)[0],
            round(best(lengths, largest)[1], 3),
        ),
        "a tensor": lambda lengths, largest: (
            torch.tensor(best(lengths, largest)[0]),
            np.float64(best(lengths, largest)[1]),
        ),
    },
    {
        "the largest": ("the longest sequence is not the best", tried(lambda rows, top: top)),
        "powers of two": (
            "the longest sequence is not the best",
            lambda rows, top: min(
                (share(rows, 2**i), 2**i) for i in range(3, 8) if max(rows) <= 2**i <= top
            )[::-1],
        ),
        "the longest row": (
            "as wide as the longest row is safe",
            lambda rows, top: (
                best(rows, top) if top == 8 else tried(lambda rows, top: max(rows))(rows, top)
            ),
        ),
        "every second size": (
            "is right, but another size wastes less",
            lambda rows, top: best(rows, top) if top == 8 else best(rows, top, max(rows), step=2),
        ),
        "without the end of the range": (
            "a `range` leaves out its end",
            lambda rows, top: min((share(rows, size), size) for size in range(max(rows), top))[
                ::-1
            ],
        ),
        "the largest of equals": (
            "a smaller size wastes as little",
            lambda rows, top: (
                max((-share(rows, size), size) for size in range(max(rows), top + 1))[1:]
                + (best(rows, top)[1],)
            ),
        ),
        "fewest sequences": ("needs the fewest sequences", tried(fewest_sequences)),
        "ends cut": (
            "cuts a row's end",
            lambda lengths, largest: best(lengths, largest, first=1),
        ),
        "beyond the largest": (
            "more than the largest sequence",
            lambda lengths, largest: best(lengths, 2 * largest, first=largest + 1),
        ),
        "a number of positions": (
            "looks like a number of positions",
            other_share(lambda lengths, size: packed(lengths, size) - sum(lengths)),
        ),
        "a percentage": (
            "looks like a percentage",
            other_share(lambda lengths, size: 100 * share(lengths, size)),
        ),
        "real tokens": (
            "that is the share of real tokens",
            other_share(lambda lengths, size: 1 - share(lengths, size)),
        ),
        "of the real tokens": (
            "that is padding for each real token",
            other_share(lambda lengths, size: packed(lengths, size) / sum(lengths) - 1),
        ),
        "not packed": (
            "that is one row a sequence",
            lambda rows, top: (max(rows), 1 - sum(rows) / (max(rows) * len(rows))),
        ),
        "packed as they come": ("is right, but another size wastes less", as_they_come),
        "one sequence forgotten": (
            "leave another share than",
            other_share(lambda lengths, size: 1 - sum(lengths) / (packed(lengths, size) - size)),
        ),
        "the size alone": (
            "return two numbers, the size and its share",
            lambda lengths, largest: best(lengths, largest)[0],
        ),
        "sorted in place": ("the list of lengths was changed", sorted_in_place),
    },
)


def turns(parts: str = "content end", roles: str = "assistant", last: bool = False) -> Callable:
    """Exercise 3.4 with loss on these parts of these roles."""

    def labels(turns: list[tuple]) -> list[int]:
        found: list[int] = []
        for number, (role, header, content, end, after) in enumerate(turns):
            scored = role in roles and (not last or number == len(turns) - 1)
            pieces = {"header": header, "content": content, "end": end, "after": after}
            for name, ids in pieces.items():
                found += ids if scored and name in parts else [-100] * len(ids)
        return found

    return labels


def changed(change: Callable[[list[int]], Any]) -> Callable:
    return lambda given: change(turns()(given))


def plain(given: list[tuple]) -> list[int]:
    labels = []
    for role, header, content, end, after in given:
        answer = content + end
        labels += [-100] * len(header)
        labels += answer if role == "assistant" else [-100] * len(answer)
        labels += [-100] * len(after)
    return labels


def lengthened(given: list[tuple]) -> list[int]:
    right = plain(given)
    for _, _, content, end, _ in given:
        content += end
    return right


MASK_TURNS = Exercise(
    on_tokenization.check_mask_turns,
    {"part by part": turns(), "three pieces": plain, "a tensor": changed(torch.tensor)},
    {
        "header scored": (
            "the assistant's header is scored: the template writes it",
            turns("header content end"),
        ),
        "last turn only": ("only the last turn is scored", turns(last=True)),
        "last turn only, no end": (
            "only the last turn is scored",
            turns("content", last=True),
        ),
        "user scored too": ("the user's turns are scored too", turns(roles="user assistant")),
        "system scored too": ("the system's turn is scored", turns(roles="system assistant")),
        "turns changed": ("the turns were changed", lengthened),
        "all scored": (
            "the turns of system and user are scored too",
            turns(roles="system user assistant"),
        ),
        "the user alone": ("the roles are mixed up", turns(roles="user")),
        "inverted": ("the mask is inverted: all but the assistant", turns(roles="system user")),
        "no end": ("the end token of an answer is masked, so", turns("content")),
        "header, no end": (
            "the header is scored and the end token is not",
            turns("header content"),
        ),
        "line break scored": (
            "what follows the end token is scored",
            turns("content end after"),
        ),
        "whole turn": ("the whole turn is scored", turns("header content end after")),
        "nothing scored": ("everything is masked", turns("")),
        "too short": (
            "the turns have 36 tokens in all, and your",
            changed(lambda found: found[1:]),
        ),
        "one place wrong": (
            "the label at position 0 should not be 99",
            changed(lambda found: [99, *found[1:]]),
        ),
        "nothing": ("return one list of whole numbers, not None", lambda given: None),
        "a list a turn": (
            "return one list of whole numbers, not [[",
            lambda given: [content for _, _, content, _, _ in given],
        ),
    },
)

EXERCISES = {
    "03 response_labels": RESPONSE_LABELS,
    "03 mask_padding": MASK_PADDING,
    "03 best_size": BEST_SIZE,
    "03 mask_turns": MASK_TURNS,
}
