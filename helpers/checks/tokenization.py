"""Checks for notebooks/03_tokenization.ipynb."""

from collections.abc import Callable

import torch
from torch import Tensor

from helpers.checks import check

IGNORE = -100
PAD = 2  # in the toy batches also the end token, as in the course's model


@check
def check_response_labels(response_labels: Callable[[list[int], int], list[int]]) -> str | None:
    """Exercise 3.1: (input_ids, prompt_length) -> labels."""
    for ids, prompt in (([11, 12, 13, 14, 21, 22, PAD], 4), ([31, 41, 42, 43, 44, PAD], 1)):
        given = list(ids)
        found = response_labels(given, prompt)
        if given != ids:
            return "input_ids were changed: the model would read -100 instead of the prompt"
        if hasattr(found, "tolist"):  # a tensor or an array
            found = found.tolist()
        if not isinstance(found, list) or any(type(label) is not int for label in found):
            return f"return a list of whole numbers, not {found!r}"
        if complaint := _response_complaint(ids, prompt, found):
            return complaint
    return None


def _response_complaint(ids: list[int], prompt: int, found: list[int]) -> str | None:
    def masked(hidden: int) -> list[int]:
        return [IGNORE] * hidden + ids[hidden:]

    if found == masked(prompt):
        return None
    if len(found) != len(ids):
        return (
            f"{len(ids)} tokens need {len(ids)} labels, one at each place; yours are {len(found)}"
        )
    shifted = masked(prompt)[1:]
    if found[:-1] == shifted or found == [*ids[1:prompt], *ids[prompt:], IGNORE]:
        return "the labels are shifted by one: the library does that, and this would be twice"
    sentences = {
        "the mask is inverted: the prompt is scored and the answer is hidden": (
            ids[:prompt] + [IGNORE] * (len(ids) - prompt)
        ),
        "nothing is masked: the prompt carries loss too": ids,
        "everything is masked: there is nothing to learn from": [IGNORE] * len(ids),
        "one off: the first token of the answer is masked": masked(prompt + 1),
        "one off: the last token of the prompt carries loss": masked(prompt - 1),
        "the end token is masked: the model would not learn to stop": [
            *masked(prompt)[:-1],
            IGNORE,
        ],
        "0 is a token like any other and would be trained; the loss leaves out only -100": (
            [0] * prompt + ids[prompt:]
        ),
    }
    for sentence, labels in sentences.items():
        if found == labels:
            return sentence
    place = next(i for i, (a, b) in enumerate(zip(found, masked(prompt), strict=True)) if a != b)
    part = "the prompt" if place < prompt else "the answer"
    return f"the label at position {place}, in {part}, should not be {found[place]}"


def _batches() -> dict[str, tuple[Tensor, Tensor, int]]:
    """Padded batches: on the right, on the left, and with a padding token of its own."""
    right = torch.tensor([[11, 12, 13, 14, PAD], [21, PAD, 22, PAD, PAD], [31, PAD, PAD, PAD, PAD]])
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0], [1, 1, 0, 0, 0]])
    left = torch.tensor([[PAD, PAD, 11, 12, PAD], [21, 22, 23, 24, PAD]])
    left_mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]])
    own = torch.tensor([[11, 12, PAD, 0, 0], [21, 22, 23, 24, PAD]])
    own_mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    return {
        "padded on the right": (right, mask, PAD),
        "with another token for padding": (own, own_mask, 0),
        "padded on the left": (left, left_mask, PAD),
    }


@check
def check_mask_padding(mask_padding: Callable[[Tensor, Tensor, int], Tensor]) -> str | None:
    """Exercise 3.2: (input_ids, attention_mask, pad_token_id) -> labels."""
    for name, (ids, mask, pad) in _batches().items():
        given, given_mask = ids.clone(), mask.clone()
        found = mask_padding(given, given_mask, pad)
        if not isinstance(found, Tensor) or found.shape != ids.shape:
            return f"return a tensor of the shape of input_ids, {tuple(ids.shape)}"
        if found.dtype != ids.dtype:
            return f"labels are token ids: {ids.dtype}, and the loss refuses {found.dtype}"
        if not torch.equal(given, ids):
            return "input_ids were changed: the model would read -100 (labels need a copy)"
        if not torch.equal(given_mask, mask):
            return "attention_mask was changed: the model still needs it"
        if complaint := _padding_complaint(ids, mask, pad, found):
            return f"{complaint} (a batch {name})"
    return None


def _padding_complaint(ids: Tensor, mask: Tensor, pad: int, found: Tensor) -> str | None:
    width = ids.shape[1]
    lengths = mask.sum(1, keepdim=True)
    places = torch.arange(width)
    if torch.equal(found, ids.masked_fill(mask == 0, IGNORE)):
        return None
    sentences = {
        "nothing is masked: the padding is trained": ids,
        "everything is masked: there is nothing to learn from": torch.full_like(ids, IGNORE),
        "the padding is masked by its id, and each row's own end goes with it": (
            ids.masked_fill(ids == pad, IGNORE)
        ),
        "the mask is inverted: only the padding is trained": ids.masked_fill(mask == 1, IGNORE),
        "the last real token of each row is masked too, and that is its end": (
            ids.masked_fill(places >= lengths - 1, IGNORE)
        ),
        "the first token of the padding is trained: an end after the end": (
            ids.masked_fill(places > lengths, IGNORE)
        ),
        "the padding is taken to stand on the right; ask the attention mask where it is": (
            ids.masked_fill(places >= lengths, IGNORE)
        ),
        "0 is a token like any other and would be trained; the loss leaves out only -100": (
            ids * mask
        ),
    }
    for sentence, labels in sentences.items():
        if torch.equal(found, labels):
            return sentence
    wrong = (found != ids.masked_fill(mask == 0, IGNORE)).nonzero()[0].tolist()
    return f"the label in row {wrong[0]}, position {wrong[1]} should not be {found[tuple(wrong)]}"


# lengths of rows, and the largest sequence to try; first a case that can be packed by hand
_TO_PACK = [
    ([5, 3, 2, 4, 4], 8),
    (
        [20, 26, 20, 14, 18, 22, 21, 20, 26, 18, 21, 19, 23, 17, 22, 16, 18, 16, 26, 15]
        + [23, 26, 18, 22, 25, 26, 23, 16, 18, 15, 25, 15, 24, 19, 21, 22, 15, 19, 20, 19],
        64,
    ),
    ([4, 3, 6, 2, 3, 3], 9),  # two sizes waste as little
    ([2, 6, 5, 6, 3], 11),  # the largest is the best
]


def _packed(lengths: list[int], size: int) -> int:
    """Sequences of that size that best fit decreasing needs, as `pack` of the notebook."""
    room: list[int] = []
    for length in sorted(lengths, reverse=True):
        fitting = [i for i, free in enumerate(room) if free >= length]
        if fitting:
            room[min(fitting, key=lambda i: room[i])] -= length
        else:
            room.append(size - length)
    return len(room)


@check
def check_best_size(best_size: Callable[[list[int], int], tuple[int, float]]) -> str | None:
    """Exercise 3.3: (lengths, largest) -> size of packed sequences and its share of padding."""
    for lengths, largest in _TO_PACK:
        given = list(lengths)
        found = best_size(given, largest)
        if given != lengths:
            return "the list of lengths was changed; sort a copy"
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            return f"return two numbers, the size and its share of padding, not {found!r}"
        if complaint := _packing_complaint(lengths, largest, int(found[0]), float(found[1])):
            return f"{complaint} (lengths {lengths[:5]}{' ...' if lengths[5:] else ''})"
    return None


def _packing_complaint(lengths: list[int], largest: int, size: int, share: float) -> str | None:
    real, longest = sum(lengths), max(lengths)
    if size < longest:
        return f"a sequence of {size} tokens cuts a row's end: the longest row has {longest}"
    if size > largest:
        return f"{size} tokens are more than the largest sequence, {largest}"
    needs = {tokens: _packed(lengths, tokens) for tokens in range(longest, largest + 1)}
    positions = {tokens: tokens * count for tokens, count in needs.items()}
    if not _close(share, 1 - real / positions[size]):
        sentences = {
            "a share lies between 0 and 1; this looks like a number of positions": (
                positions[size] - real
            ),
            "a share lies between 0 and 1; this looks like a percentage": (
                100 - 100 * real / positions[size]
            ),
            "that is the share of real tokens, and the rest is padding": real / positions[size],
            "that is padding for each real token; the share is of all positions": (
                positions[size] / real - 1
            ),
            "that is one row a sequence, padded; pack several into one": (
                1 - real / (size * len(lengths))
            ),
        }
        for sentence, value in sentences.items():
            if _close(share, value):
                return sentence
        return f"with `pack`, sequences of {size} tokens leave another share than {share:.4f}"
    if positions[size] == min(positions.values()):
        smaller = [tokens for tokens in positions if positions[tokens] == positions[size]]
        return None if size == smaller[0] else "a smaller size wastes as little: return that one"
    if positions[largest] < min(positions[tokens] for tokens in range(longest, largest)):
        return "the largest size was not tried (a `range` leaves out its end), and it is the best"
    if size == largest:
        return "the longest sequence is not the best one: a shorter one wastes less"
    if needs[size] == min(needs.values()):
        return "that size needs the fewest sequences; what costs time is positions, not sequences"
    if size == longest:
        return "as wide as the longest row is safe, but a longer sequence wastes less"
    return f"the share at {size} tokens is right, but another size wastes less: try every one"


def _close(a: float, b: float) -> bool:
    return abs(a - b) < 5e-4  # three decimal places will do


_TURNS = [  # role, header, content, end, after: token ids
    ("system", [1, 50, 9], [60, 61], [PAD], [9]),
    ("user", [1, 51, 9], [70, 71, 72], [PAD], [9]),
    ("assistant", [1, 52, 9], [80, 81], [PAD], [9]),
    ("user", [1, 51, 9], [73], [PAD], [9]),
    ("assistant", [1, 52, 9], [82, 83, 84], [PAD], [9]),
]


def _turn_labels(parts: str, roles: tuple[str, ...], turns: list[tuple], last: bool) -> list[int]:
    """Labels with loss on the given parts (header, content, end, after) of the given roles."""
    labels = []
    for number, (role, *pieces) in enumerate(turns):
        scored = role in roles and (not last or number == len(turns) - 1)
        for name, ids in zip(("header", "content", "end", "after"), pieces, strict=True):
            labels += ids if scored and name in parts.split() else [IGNORE] * len(ids)
    return labels


@check
def check_mask_turns(mask_turns: Callable[[list[tuple]], list[int]]) -> str | None:
    """Exercise 3.4: turns of (role, header, content, end, after) -> labels."""
    given = [(role, *map(list, pieces)) for role, *pieces in _TURNS]
    found = mask_turns(given)
    if given != _TURNS:
        return "the turns were changed, and the model reads them (+= makes the list itself longer)"
    if hasattr(found, "tolist"):  # a tensor or an array
        found = found.tolist()
    if not isinstance(found, list) or any(type(label) is not int for label in found):
        return f"return one list of whole numbers, not {found!r}"
    wanted = _turn_labels("content end", ("assistant",), _TURNS, last=False)
    if found == wanted:
        return None
    if len(found) != len(wanted):
        return f"the turns have {len(wanted)} tokens in all, and your labels are {len(found)}"
    everyone = ("system", "user", "assistant")
    for parts, with_sentence in _PARTS.items():
        for roles, last, role_sentence in (
            (("assistant",), False, None),
            (("assistant",), True, "only the last turn is scored; every answer should teach"),
            (("user", "assistant"), False, "the user's turns are scored too"),
            (("system", "assistant"), False, "the system's turn is scored too"),
            (everyone, False, "the turns of system and user are scored too"),
            (("user",), False, "the roles are mixed up: the user is scored, not the assistant"),
            (("system", "user"), False, "the mask is inverted: all but the assistant is scored"),
        ):
            if found == _turn_labels(parts, roles, _TURNS, last):
                return role_sentence or with_sentence
    if set(found) == {IGNORE}:
        return "everything is masked: there is nothing to learn from"
    place = next(i for i, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b)
    return f"the label at position {place} should not be {found[place]}"


_PARTS = {
    "content end": None,
    "content": "the end token of an answer is masked, so the model would not learn to stop",
    "header content end": (
        "the assistant's header is scored: the template writes it, not the model"
    ),
    "header content": "the header is scored and the end token is not: it is the other way round",
    "content end after": "what follows the end token is scored, and the model stops before it",
    "header content end after": (
        "the whole turn is scored, header and line break too; the model writes content and end"
    ),
}
