"""One training in several processes: how it starts, and where the weights are.

torchrun and accelerate start the processes and tell each of them its number (RANK), and how many
there are (WORLD_SIZE). In a single process everything here does nothing.
"""

import os
from collections.abc import Iterator

import torch
from torch import Tensor, distributed, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel
from transformers import PreTrainedModel

from helpers.training import target_nll


class TargetNLL(nn.Module):
    """The model and its loss as one module, so that DDP and FSDP see the whole forward pass.

    Source: notebooks/12_scaling_out.ipynb, section 12.5.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """NLL of every target of a batch, as training.target_nll gives it."""
        return target_nll(self.model, batch)


def start(processes: int) -> torch.device:
    """Join the other processes.

    Args:
        processes: how many must have started.

    Returns:
        The device of this process: a GPU, unless there is none or accelerate's file says use_cpu.

    Raises:
        SystemExit: another number was started.

    Source: notebooks/12_scaling_out.ipynb, section 12.2.
    """
    started = int(os.environ.get("WORLD_SIZE", 1))
    if started != processes:
        raise SystemExit(
            f"processes started: {started}, --processes: {processes}. Start the script with "
            f"torchrun --nproc_per_node {processes}, or with accelerate launch and a file of "
            "tools/launch (accelerate's --cpu alone starts one)."
        )
    cuda = torch.cuda.is_available() and not _accelerate_says("ACCELERATE_USE_CPU")
    if cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    if processes > 1:
        distributed.init_process_group("nccl" if cuda else "gloo")
    return torch.device("cuda", torch.cuda.current_device()) if cuda else torch.device("cpu")


def stop() -> None:
    """Leave the other processes; nothing can be sent afterwards."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def place() -> tuple[int, int]:
    """The number of this process, from 0, and how many there are."""
    if not distributed.is_initialized():
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


def of_the_first(value: str) -> str:
    """What the first process measured or chose, since all have to do the same."""
    box = [value]
    if distributed.is_initialized():
        distributed.broadcast_object_list(box, src=0)
    return box[0]


def add_up(number: Tensor) -> float:
    """The sum of what all processes give, in each of them; all have to call it.

    Source: notebooks/12_scaling_out.ipynb, section 12.3.
    """
    if distributed.is_initialized():
        distributed.all_reduce(number)
    return number.item()


def spread(loss_of: TargetNLL) -> nn.Module:
    """Over all processes: a copy on each (DDP), or a part of every weight on each (FSDP).

    FSDP is taken where accelerate was started with a file for it.

    Source: notebooks/12_scaling_out.ipynb, sections 12.4 and 12.5.
    """
    if not distributed.is_initialized():
        return loss_of
    if not _accelerate_says("ACCELERATE_USE_FSDP"):
        return DistributedDataParallel(loss_of, gradient_as_bucket_view=True)
    device = next(loss_of.parameters()).device.type
    mesh = distributed.init_device_mesh(device, (distributed.get_world_size(),))
    layers = next(part for part in loss_of.modules() if isinstance(part, nn.ModuleList))
    for layer in layers:  # each is gathered when its turn comes, and given back
        fully_shard(layer, mesh=mesh)
    return fully_shard(loss_of, mesh=mesh)  # the rest: embedding, last normalization, head


def whole_weights(loss_of: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The model's weights one after the other, each gathered whole and brought to the CPU.

    All processes have to run through it, since gathering needs everyone. Only the first one gets
    the weights; in the others the loop has no round.

    Yields:
        A weight's name in the model, and its values. They may share the weight's storage.
    """
    for name, weight in loss_of.named_parameters():
        values = weight.detach()
        values = values.full_tensor() if isinstance(values, DTensor) else values
        if place()[0] == 0:
            yield name.removeprefix("module.").removeprefix("model."), values.cpu()


def _accelerate_says(setting: str) -> bool:
    """Whether accelerate, started with a file, has turned a setting on for its processes."""
    return os.environ.get(setting, "").lower() == "true"
