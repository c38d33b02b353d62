"""helpers/recipe.py: which steps, and the mean of which weights."""

import copy

import pytest
import torch

from helpers import products, recipe, training


@pytest.mark.parametrize(("rows", "passes", "steps"), [(300, 3, 114), (5, 3, 3), (8, 1, 1)])
def test_the_last_batch_of_a_pass_may_be_short(rows, passes, steps):
    assert recipe.steps_of(rows, passes) == steps


def test_another_number_of_rows_a_step_makes_other_steps(
    tiny_model, tiny_tokenizer, kettle_examples
):
    assert recipe.steps_of(17, 2, 16) == 4
    model, pad = copy.deepcopy(tiny_model), tiny_tokenizer.pad_token_id
    made = list(recipe.tune(model, kettle_examples, pad, steps=4, seed=3, bf16=False, step_rows=16))
    tokens = sum(len(example.input_ids) for example in kettle_examples)
    assert [step.number for step in made] == [1, 2, 3, 4]
    assert made[0].tokens + made[1].tokens == tokens == made[2].tokens + made[3].tokens
    assert made[0].tokens > 10 * made[1].tokens  # 16 rows, then the one that is left


def test_a_product_s_description_has_the_labels_and_its_prompt_none(tiny_tokenizer):
    rows = products.load_split("train").head(2)
    for row, example in zip(
        rows.to_dict("records"), recipe.examples_of(tiny_tokenizer, rows), strict=True
    ):
        labels = [label for label in example.labels if label != training.IGNORE_INDEX]
        assert tiny_tokenizer.decode(labels[:-1]) == " " + row["description"]
        assert labels[-1] == tiny_tokenizer.eos_token_id
        prompt = tiny_tokenizer.decode(example.input_ids[: -len(labels)])
        assert prompt.startswith(f"Category: {row['category']}\nName: {row['name']}\n")
        assert prompt.endswith("\nDescription:")


@pytest.mark.parametrize(
    ("steps", "kept"), [(12, [8, 10, 12]), (13, [9, 11, 13]), (3, [1, 2, 3]), (2, [1, 2]), (1, [1])]
)
def test_the_weights_are_the_mean_of_checkpoints_a_sixth_of_the_steps_apart(
    steps, kept, tiny_model, tiny_tokenizer, kettle_examples
):
    model, other = copy.deepcopy(tiny_model), copy.deepcopy(tiny_model)
    pad, after = tiny_tokenizer.pad_token_id, {}
    torch.manual_seed(0)  # dropout draws alike in both
    made = list(recipe.tune(model, kettle_examples, pad, steps=steps, seed=3, bf16=False))
    torch.manual_seed(0)
    settings = dict(learning_rate=1.5e-4, max_steps=steps, batch_size=8, seed=3, bf16=False)
    for step in training.train(other, kettle_examples, pad, **settings):
        after[step.number] = copy.deepcopy(other.state_dict())
    assert [step.number for step in made] == list(after)
    assert not model.training
    for name, weight in model.state_dict().items():
        mean = torch.stack([after[number][name] for number in kept]).mean(0)
        torch.testing.assert_close(weight, mean, rtol=1e-5, atol=1e-7)
    if steps > 1:
        assert not torch.equal(after[steps]["model.norm.weight"], model.model.norm.weight)
