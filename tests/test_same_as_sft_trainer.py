"""A helper does what notebook 06 does in the open."""

import contextlib
import re

import pandas as pd
import pytest
from datasets import Dataset

from helpers import drafts, generation, metrics, parameters, products, prompts, scores
from notebook_files import NOTEBOOKS, define, run_cells

(SFT_TRAINER,) = (path for path in NOTEBOOKS if path.name.startswith("06"))
ROWS = products.load_split("validation").head(5)


def test_prompt_and_completion_are_those_of_06():
    taught = define(
        SFT_TRAINER, "prompt_completion", Dataset=Dataset, product_prompt=prompts.product_prompt
    )
    assert prompts.prompt_completion(ROWS).to_list() == taught(ROWS).to_list()


def test_the_counts_are_those_of_06():
    taught = define(SFT_TRAINER, "score", metrics=metrics, pd=pd)
    texts = [*ROWS["description"].head(3), "Nothing.", "9 purple kettles"]
    done = [generation.Completion(text, 7, stopped=i != 3) for i, text in enumerate(texts)]
    pd.testing.assert_frame_equal(scores.score(ROWS, done), taught(ROWS, done))


def test_batched_completion_writes_what_06_writes_one_by_one(tiny_model, tiny_tokenizer):
    taught = define(SFT_TRAINER, "complete_one", tokenizer=tiny_tokenizer, MAX_NEW_TOKENS=12)
    texts = ["a kettle", "a lamp that is quite a bit longer", "tea"]
    done = generation.complete(tiny_model.eval(), tiny_tokenizer, texts, max_new_tokens=12)
    for text, completion in zip(texts, done, strict=True):
        ids = taught(tiny_model, text).tolist()
        if tiny_tokenizer.eos_token_id in ids:
            ids = ids[: ids.index(tiny_tokenizer.eos_token_id)]
        assert tiny_tokenizer.decode(ids).strip() == completion.text


@pytest.mark.parametrize(("layers", "fits"), [(0, True), (2, True), (3, False), (-1, False)])
def test_more_layers_than_the_model_has_are_refused(
    tiny_model, tiny_tokenizer, tmp_path, layers, fits
):
    tiny_model.save_pretrained(tmp_path)
    tiny_tokenizer.save_pretrained(tmp_path)
    names = {"SEED": 0, "RUN_DIR": "runs", "PRECISION": "float32", "DATA": "", "VOICE": "factual"}
    names |= {"BATCH_SIZE": 2, "ACCUMULATION": 4, "EPOCHS": 1, "MAX_LENGTH": 16}
    names |= {"parameters": parameters}
    names |= {"BASE_MODEL": str(tmp_path), "PARITY_LAYERS": layers}
    set_up = ("import math", "from helpers import (", "started = time.perf_counter()")
    with contextlib.nullcontext() if fits else pytest.raises(AssertionError, match="model has 2"):
        run_cells(SFT_TRAINER, *set_up, **names)


def test_the_draft_that_is_kept_is_that_of_06():
    said_twice = define(SFT_TRAINER, "said_twice", metrics=metrics, re=re)
    support = define(SFT_TRAINER, "support", metrics=metrics, said_twice=said_twice)
    taught = define(SFT_TRAINER, "best_draft", support=support)
    for row in ROWS.to_dict("records"):
        texts = [row["description"], row["description"] * 2, row["name"], "A red thing."]
        done = [generation.Completion(text, 9, stopped) for stopped in (0, 1) for text in texts]
        assert taught(row, done) is drafts.best_draft(row, done) is done[4]
        assert [support(row, one) for one in done] == [drafts.support(row, one) for one in done]
