"""Notebook 06's recipe as a script: train, take the mean of the last checkpoints, score.

    .venv/bin/python tools/sft.py --seed 1 --output runs/seeds/1

It writes the tuned model to <output>/model and its scores on validation to <output>/scores.csv.
"""

import argparse
import datetime
import math
import shlex
import sys
from importlib import metadata
from pathlib import Path

import pandas as pd
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from helpers import drafts, generation, models, precision, products, run_files, scores, training
from helpers.prompts import prompt_completion

EPOCHS, STEP_ROWS, LEARNING_RATE, LAST_CHECKPOINTS = 3, 8, 1.5e-4, 3  # chosen in 06
PACKAGES = ("torch", "transformers")


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
    train(model, examples["train"], tokenizer.pad_token_id, asked.seed)
    asked.output.mkdir(parents=True, exist_ok=True)
    run_files.save_whole(asked.output / "model", model, tokenizer)

    rows, prompts = split["validation"], pairs["validation"]["prompt"][:]
    written = {
        "tuned": generation.complete(model, tokenizer, prompts, asked.max_new_tokens),
        "best draft": drafts.describe(model, tokenizer, rows, asked.max_new_tokens),
    }
    nll = training.mean_nll(model, examples["validation"], tokenizer.pad_token_id)
    made = {
        "command": shlex.join(["python", "tools/sft.py", *sys.argv[1:]]),
        "versions": " ".join(f"{name}=={metadata.version(name)}" for name in PACKAGES),
        "date": datetime.date.today().isoformat(),
    }
    table = pd.DataFrame(
        [
            {"seed": asked.seed, "system": system}
            | scores.score(rows, done).drop(columns="tokens").mean().round(4).to_dict()
            | {"NLL": round(nll, 4)}
            | made
            for system, done in written.items()
        ]
    )
    table.to_csv(asked.output / "scores.csv", index=False)
    print(table.drop(columns=list(made)).to_string(index=False))


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
    model: PreTrainedModel, examples: list[training.Example], pad_token_id: int, seed: int
) -> None:
    """Fine-tune in place; the weights become the mean of those after the last half passes."""
    steps_a_pass = math.ceil(len(examples) / STEP_ROWS)
    steps, half_a_pass = EPOCHS * steps_a_pass, max(1, steps_a_pass // 2)
    kept = range(half_a_pass, steps + 1, half_a_pass)[-LAST_CHECKPOINTS:]
    mean: dict[str, torch.Tensor] = {}
    for step in training.train(
        model,
        examples,
        pad_token_id,
        learning_rate=LEARNING_RATE,
        epochs=EPOCHS,
        batch_size=STEP_ROWS,
        seed=seed,
        bf16=precision.choose() == "bfloat16",
    ):
        if step.number % half_a_pass == 0:
            print(f"step {step.number} of {steps}: loss {step.loss:.3f}", flush=True)
        if step.number in kept:
            for name, weight in model.state_dict().items():
                share = 1 / (kept.index(step.number) + 1)  # so far the mean of those before
                mean[name] = torch.lerp(mean.get(name, weight), weight, share)
    model.load_state_dict(mean)
    model.eval()


if __name__ == "__main__":
    main()
