"""A helper does what notebook 03, which taught it, does in the open."""

from typing import NamedTuple

import pytest
import torch
from datasets import Dataset
from trl import pack_dataset

from helpers import products, prompts, training
from notebook_files import NOTEBOOKS, define

(TOKENIZATION,) = (path for path in NOTEBOOKS if path.name.startswith("03"))
ROWS = products.load_split("validation").head(5).to_dict("records")


class Example(NamedTuple):
    input_ids: list[int]
    labels: list[int]


def taught_encode():
    return define(TOKENIZATION, "encode", Example=Example, IGNORE_INDEX=-100)


def test_the_prompt_is_that_of_03():
    taught = define(TOKENIZATION, "product_prompt")
    for row in ROWS:
        assert prompts.product_prompt(row) == taught(row)


def test_a_row_is_encoded_as_in_03(tiny_tokenizer):
    taught = taught_encode()
    for row in ROWS:
        texts = prompts.product_prompt(row), " " + row["description"]
        assert training.encode(tiny_tokenizer, *texts) == taught(tiny_tokenizer, *texts)


@pytest.mark.parametrize("encode", [training.encode, taught_encode()], ids=["helper", "03"])
def test_both_refuse_a_prompt_whose_last_token_changes(encode, tiny_tokenizer):
    with pytest.raises(ValueError, match="'ttle ', and its last token changes"):
        encode(tiny_tokenizer, "A kettle ", "the floor")


def test_a_batch_is_padded_as_in_03(tiny_tokenizer):
    taught = define(TOKENIZATION, "collate", IGNORE_INDEX=-100, torch=torch)
    examples = [
        training.encode(tiny_tokenizer, "A kettle:", " " + row["description"]) for row in ROWS
    ]
    examples += [Example([5, 6], [-100, 6])]
    ours, theirs = training.collate(examples, 7), taught(examples, 7)
    assert list(ours) == list(theirs)
    for name in ours:
        assert torch.equal(ours[name], theirs[name])


def test_a_row_of_one_batch_is_padded_by_hand_to_the_same():
    taught = define(TOKENIZATION, "collate", IGNORE_INDEX=-100, torch=torch)
    batch = taught([Example([1, 2, 3], [-100, 2, 3]), Example([4, 3], [-100, 3])], 3)
    assert batch["input_ids"].tolist() == [[1, 2, 3], [4, 3, 3]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch["labels"].tolist() == [[-100, 2, 3], [-100, 3, -100]]


def test_packing_needs_as_many_sequences_as_trl():
    taught = define(TOKENIZATION, "pack")
    lengths = torch.randint(1, 60, (80,), generator=torch.Generator().manual_seed(0)).tolist()
    rows = Dataset.from_list([{"input_ids": [0] * length} for length in lengths])
    packed = taught(lengths, 64)
    assert sorted(length for sequence in packed for length in sequence) == sorted(lengths)
    assert max(map(sum, packed)) <= 64
    assert len(packed) == len(pack_dataset(rows, seq_length=64, strategy="bfd"))


def test_the_mask_of_blocks_lets_each_document_look_at_itself_only():
    mask = define(TOKENIZATION, "block_mask", torch=torch)([2, 1, 3])
    document = [0, 0, 1, 2, 2, 2]
    for i, row in enumerate(mask.tolist()):
        assert row == [j <= i and document[j] == document[i] for j in range(6)]
