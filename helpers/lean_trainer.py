"""SFTTrainer with the loss of notebook 05's loop: on a CPU, the same training for less time."""

from typing import Any

from torch import Tensor, nn
from trl import SFTTrainer

from helpers.training import target_nll


class LeanTrainer(SFTTrainer):
    """SFTTrainer that makes logits only where a target is, and no statistics.

    On a GPU TRL does without the other logits itself, and SFTTrainer as it is will do. For one
    process, a decoder, and rows padded on the right; not for packed ones.

    Source: notebooks/06_sft_trainer.ipynb, section 6.6.
    """

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor | tuple[Tensor, Any]:
        """Mean loss of the targets, in nats; over accumulated micro-batches the parts add up.

        Args:
            inputs: input_ids, attention_mask, labels, each (B, T).
            return_outputs: the model's outputs too, which takes a second forward pass.
            num_items_in_batch: targets of the whole step; None (in evaluation): of these inputs.
        """
        with self.accelerator.autocast():  # bfloat16, where the configuration says so
            nll = target_nll(model, inputs)
        loss = nll.sum() / (len(nll) if num_items_in_batch is None else num_items_in_batch)
        return (loss, model(**inputs)) if return_outputs else loss
