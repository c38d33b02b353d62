"""A helper does what the notebook that taught it does in the open."""

import torch
from datasets import Dataset

from helpers import generation, products, prompts
from notebook_files import NOTEBOOKS, define

(SFT_TRAINER,) = (path for path in NOTEBOOKS if path.name.startswith("06"))
ROWS = products.load_split("validation").head(5)


def test_the_prompt_is_that_of_06():
    taught = define(SFT_TRAINER, "product_prompt")
    for row in ROWS.to_dict("records"):
        assert prompts.product_prompt(row) == taught(row)


def test_prompt_and_completion_are_those_of_06():
    prompt = define(SFT_TRAINER, "product_prompt")
    taught = define(SFT_TRAINER, "prompt_completion", Dataset=Dataset, product_prompt=prompt)
    assert prompts.prompt_completion(ROWS).to_list() == taught(ROWS).to_list()


def test_batched_completion_writes_what_06_writes_one_by_one(tiny_model, tiny_tokenizer):
    taught = define(SFT_TRAINER, "complete_one", tokenizer=tiny_tokenizer, MAX_NEW_TOKENS=12)
    texts = ["a kettle", "a lamp that is quite a bit longer", "tea"]
    done = generation.complete(tiny_model.eval(), tiny_tokenizer, texts, max_new_tokens=12)
    for text, completion in zip(texts, done, strict=True):
        ids = taught(tiny_model, text)
        assert torch.is_tensor(ids)
        assert completion.text == tiny_tokenizer.decode(ids, skip_special_tokens=True).strip()
