"""Notebook 06's recipe as a script: train, take the mean of the last checkpoints, score.

    .venv/bin/python tools/sft.py --seed 1 --output runs/seeds/1

It writes the tuned model to <output>/model and its scores on validation to <output>/scores.csv.
"""

import argparse
import shlex
import sys
from pathlib import Path

import pandas as pd
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from helpers import (
    drafts,
    generation,
    models,
    precision,
    products,
    recipe,
    run_files,
    scores,
    studies,
    training,
)
from helpers.prompts import prompt_completion


def main() -> None:
    asked = arguments()
    folder = models.model_folder(models.PACKAGED_MODEL)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
    split = {
        name: products.with_voice(products.load_split(name).head(rows), asked.voice)
        for name, rows in (("train", asked.train_rows), ("validation", asked.validation_rows))
    }
    pairs = {name: prompt_completion(rows) for name, rows in split.items()}
    examples = {
        name: [training.encode(tokenizer, row["prompt"], row["completion"]) for row in dataset]
        for name, dataset in pairs.items()
    }
    matrices = precision.choose()
    train(model, examples["train"], tokenizer.pad_token_id, asked.seed, matrices == "bfloat16")
    asked.output.mkdir(parents=True, exist_ok=True)
    run_files.save_whole(asked.output / "model", model, tokenizer)

    rows, prompts = split["validation"], pairs["validation"]["prompt"][:]
    written = {
        "tuned": generation.complete(model, tokenizer, prompts, asked.max_new_tokens),
        "best draft": drafts.describe(model, tokenizer, rows, asked.max_new_tokens),
    }
    nll = training.mean_nll(model, examples["validation"], tokenizer.pad_token_id)
    made = studies.made_with(shlex.join(["python", "tools/sft.py", *sys.argv[1:]]), matrices)
    lines = [
        {"system": system}
        | scores.score(rows, done).drop(columns="tokens").mean().round(4).to_dict()
        | {"NLL": round(nll, 4)}
        | made
        for system, done in written.items()
    ]
    studies.append(asked.output / "scores.csv", {"seed": asked.seed}, lines)
    print(pd.DataFrame(lines).drop(columns=list(made)).to_string(index=False))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, help="of the order of the rows")
    parser.add_argument("--voice", default="factual", help="factual, or a file in data/voices/")
    parser.add_argument("--output", type=Path, required=True, help="a folder below runs/")
    parser.add_argument("--train-rows", type=int, default=300)
    parser.add_argument("--validation-rows", type=int, default=100)
    parser.add_argument("--max-new-tokens", type=int, default=120)
    return parser.parse_args()


def train(
    model: PreTrainedModel,
    examples: list[training.Example],
    pad_token_id: int,
    seed: int,
    bf16: bool,
) -> None:
    """Fine-tune in place by the recipe, and tell how far it is."""
    steps = recipe.steps_of(len(examples))
    for step in recipe.tune(model, examples, pad_token_id, steps=steps, seed=seed, bf16=bf16):
        if step.number % 20 == 0 or step.number == steps:
            print(f"step {step.number} of {steps}: loss {step.loss:.3f}", flush=True)


if __name__ == "__main__":
    main()
