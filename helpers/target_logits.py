"""Logits where they are needed and nowhere else, in whatever way a model makes them."""

from torch import Tensor
from transformers import PreTrainedModel

from helpers.model_files import ModelError


def logits_at(model: PreTrainedModel, batch: dict[str, Tensor], chosen: Tensor) -> Tensor:
    """Logits at chosen positions only, made by the model's own forward.

    In most families they are `model.get_output_embeddings()(hidden)`, as notebook 05 writes it.
    Granite and Cohere scale them as well, Gemma 2 caps them. So the forward is left as it is; only
    the hidden states that its output embeddings are given are cut down to the chosen ones.

    Args:
        batch: input_ids and attention_mask, each (B, T).
        chosen: (B, T-1) bool: positions before the last one.

    Returns:
        (number of chosen positions, V), row after row.

    Raises:
        ModelError: the model has no output embeddings, or does not make one row of logits of each
            hidden state that they are given.

    Source: transformers' `modeling_granite.py` and `modeling_gemma2.py`, `forward`.
    """
    head = model.get_output_embeddings()
    if head is None:
        raise ModelError(f"{type(model).__name__} has no output embeddings. Take a causal model.")
    cut = head.register_forward_pre_hook(lambda _, given: (given[0][:, :-1][chosen][None],))
    try:
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    finally:
        cut.remove()
    if logits.shape[:-1] != (1, int(chosen.sum())):
        raise ModelError(
            f"{type(model).__name__} makes logits of shape {tuple(logits.shape)} of "
            f"{int(chosen.sum())} hidden states, so they can't be told apart. Take another model."
        )
    return logits[0]
