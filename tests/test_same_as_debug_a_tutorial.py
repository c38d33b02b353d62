"""The toy batch of an exercise has the defects that notebook 08 shows in the open."""

from types import SimpleNamespace

import torch

from helpers.checks.debug_a_tutorial import PAD, sent_batch
from helpers.training import IGNORE_INDEX
from notebook_files import NOTEBOOKS, define

(DEBUGGED,) = (path for path in NOTEBOOKS if path.name.startswith("08"))


def test_the_batch_of_the_second_script_is_the_exercise_s():
    pairs = [([5, 6, 7], [8, 9, PAD]), ([5, 7], [3, 4, 8, 9, 6, PAD]), ([6], [3, PAD])]
    examples = [([*prompt, *text], [IGNORE_INDEX] * len(prompt) + text) for prompt, text in pairs]
    taught = define(
        DEBUGGED, "second_script", torch=torch, IGNORE_INDEX=IGNORE_INDEX,
        tokenizer=SimpleNamespace(pad_token_id=PAD),
    )(examples)  # fmt: skip
    toy = sent_batch()
    assert set(taught) == set(toy)
    assert all(torch.equal(taught[name], toy[name]) for name in toy)
