"""A model that someone brings: loaded whole, and tried on two rows before it is trained."""

from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel

from helpers.model_files import ModelError
from helpers.training import IGNORE_INDEX, Example, collate, target_nll

CONTEXT = ("max_position_embeddings", "n_positions", "max_seq_len", "context_length")
SAME = 1e-3  # nats; rounding in float32 is a hundredth of it


def load_model(folder: Path) -> PreTrainedModel:
    """A decoder-only model in float32, with every weight from its file.

    Args:
        folder: as `helpers.models.model_folder` gives it.

    Raises:
        ModelError: an encoder-decoder, an architecture that needs code of its own or that this
            transformers does not know, or weights that are not in the file or of another shape.
    """
    settings = dict(trust_remote_code=False)
    weights = dict(dtype=torch.float32, use_safetensors=True, output_loading_info=True)
    model, report = None, {}
    try:
        config = AutoConfig.from_pretrained(folder, **settings)
        if not config.is_encoder_decoder:
            model, report = AutoModelForCausalLM.from_pretrained(folder, **settings, **weights)
    except Exception as error:  # a broken folder ends in any of a dozen kinds
        raise ModelError(
            f"The model in {folder} can't be loaded ({type(error).__name__}: {str(error)[:300]}). "
            "Take another one, or copy its files anew."
        ) from error
    if model is None:
        raise ModelError(
            f"{folder} holds an encoder-decoder ({config.model_type}), and the training here is "
            "for decoders. Take a causal model."
        )
    lost = [str(name) for kind in ("missing_keys", "mismatched_keys") for name in report[kind]]
    if lost:
        raise ModelError(
            f"{folder}: {len(lost)} of the weights that config.json asks for are not in its "
            f"safetensors (such as {min(lost)}), and would be random numbers. Copy the model anew."
        )
    return model


def context_length(config: PreTrainedConfig) -> int | None:
    """Tokens that a model reads at once at most; None where its configuration sets no limit."""
    text = config.get_text_config()
    limits = [limit for name in CONTEXT if (limit := getattr(text, name, None))]
    return min(limits, default=None)


def check_context(
    config: PreTrainedConfig, tokens: int, parameter: str, read_before: int = 0
) -> None:
    """Refuse a length that the model was not made for.

    Args:
        config: the model's.
        tokens: what the parameter is set to.
        parameter: its name.
        read_before: tokens that come in front of those, such as the longest prompt.

    Raises:
        ModelError: the model reads fewer.
    """
    limit = context_length(config)
    if limit is not None and read_before + tokens > limit:
        raise ModelError(
            f"{parameter} asks for sequences of {read_before + tokens} tokens, and this model "
            f"reads {limit} at most ({config.model_type}, in its config.json). Set {parameter} to "
            f"{limit - read_before} or less, or take another model."
        )


@torch.no_grad()
def check_model(model: PreTrainedModel, examples: list[Example], pad_token_id: int) -> None:
    """Try a model on two of the rows that it is going to be trained on.

    Args:
        examples: all rows as tokens.
        pad_token_id: what they are padded with.

    Raises:
        ModelError: a token has no row in the embedding, the model can't be run on input_ids and
            attention_mask alone, its loss is not a number or not the mean over the targets, or it
            sees the tokens that it has to predict.
    """
    _check_ids(model, examples, pad_token_id)
    rows = sorted(examples, key=lambda example: len(example.input_ids))
    was_training = model.training
    try:
        _check_loss(model.train(), collate([rows[0], rows[-1]], pad_token_id))
        _check_order(model.eval(), rows[-1])
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            f"{type(model).__name__} can't be run on input_ids and attention_mask alone "
            f"({type(error).__name__}: {str(error)[:200]}). Take a model for text."
        ) from error
    finally:
        model.train(was_training)


def _check_ids(model: PreTrainedModel, examples: list[Example], pad_token_id: int) -> None:
    known = len(model.get_input_embeddings().weight)
    largest = max(max(example.input_ids) for example in examples)
    if max(largest, pad_token_id) >= known:
        raise ModelError(
            f"The rows hold token {max(largest, pad_token_id)}, and the model has an embedding for "
            f"{known} tokens (0 to {known - 1}): the tokenizer is another model's. Save tokenizer "
            "and model of one source into the folder."
        )


def _check_loss(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> None:
    target_nll(model, batch)  # in training mode some models ask for more inputs
    model.eval()  # without dropout, so that two passes give the same
    loss, mean = model(**batch).loss.item(), target_nll(model, batch).mean().item()
    if not abs(loss) < float("inf"):
        raise ModelError(
            f"The model's loss is {loss} before any training: its weights hold values that are "
            "no numbers. Download or copy it anew."
        )
    if abs(loss - mean) > SAME:
        raise ModelError(
            f"{type(model).__name__} computes a loss of {loss:.4f} where the mean over the targets "
            f"is {mean:.4f}: it adds a term of its own, which the loop here would leave out. If "
            'config.json says "output_router_logits": true, set it to false.'
        )


def _check_order(model: PreTrainedModel, example: Example) -> None:
    """The first target's cost must not depend on what comes after it."""
    ids, labels = example
    first = next(i for i, label in enumerate(labels) if i and label != IGNORE_INDEX)
    other = ids[: first + 1] + ids[first + 1 :][::-1]
    costs = [
        target_nll(model, collate([Example(row, labels)], 0))[0].item() for row in (ids, other)
    ]
    if abs(costs[0] - costs[1]) > SAME:
        raise ModelError(
            f"{type(model).__name__} sees the tokens that come after the one it has to predict, "
            "so its loss means nothing. Take a causal model (a decoder), not an encoder such as "
            "BERT."
        )
