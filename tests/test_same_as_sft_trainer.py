"""A helper does what notebook 06 does in the open."""

import pandas as pd
from datasets import Dataset

from helpers import generation, metrics, products, prompts, scores
from notebook_files import NOTEBOOKS, define

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
