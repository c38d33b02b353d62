"""What the tests of trainers share: the micro-batches that a trainer saw."""

from torch import Tensor
from trl import SFTTrainer


def keep_micro_batches(trainer: SFTTrainer) -> list[dict[str, Tensor]]:
    """A list that fills with the trainer's micro-batches as they are collated."""
    collate, batches = trainer.data_collator, []

    def collate_and_keep(rows):
        batches.append(collate(rows))
        return batches[-1]

    trainer.data_collator = collate_and_keep
    return batches
