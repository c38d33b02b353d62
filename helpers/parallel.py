"""One training in several processes: how it starts, and where the weights are.

torchrun and accelerate start the processes and tell each of them its number (RANK), and how many
there are (WORLD_SIZE). In a single process everything here does nothing.
"""

import os

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


def start(processes: int, cpu: bool) -> torch.device:
    """Join the other processes.

    Args:
        processes: how many must have started.
        cpu: use no GPU, even where there is one.

    Returns:
        The device of this process.

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
    cuda = torch.cuda.is_available() and not cpu
    if cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    if processes > 1:
        distributed.init_process_group("nccl" if cuda else "gloo")
    return torch.device("cuda", torch.cuda.current_device()) if cuda else torch.device("cpu")


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


def spread(loss_of: TargetNLL, shard: bool) -> nn.Module:
    """Over all processes: a copy on each (DDP), or a part of every weight on each (FSDP).

    Source: notebooks/12_scaling_out.ipynb, sections 12.4 and 12.5.
    """
    if not distributed.is_initialized():
        return loss_of
    if not shard:
        return DistributedDataParallel(loss_of, gradient_as_bucket_view=True)
    device = next(loss_of.parameters()).device.type
    mesh = distributed.init_device_mesh(device, (distributed.get_world_size(),))
    layers = next(part for part in loss_of.modules() if isinstance(part, nn.ModuleList))
    for layer in layers:  # each is gathered when its turn comes, and given back
        fully_shard(layer, mesh=mesh)
    return fully_shard(loss_of, mesh=mesh)  # the rest: embedding, last normalization, head


def own_part(weight: Tensor) -> Tensor:
    """The values of a weight, gradient or moment that this process holds; the same storage."""
    weight = weight.detach()
    return weight.to_local() if isinstance(weight, DTensor) else weight


def whole_weights(loss_of: nn.Module) -> dict[str, Tensor]:
    """Every weight, whole and on the CPU, in the first process; all processes have to call it.

    Returns:
        The model's names -> values; empty in the other processes.
    """
    whole = {}
    for name, weight in loss_of.named_parameters():
        values = weight.detach()
        values = values.full_tensor() if isinstance(values, DTensor) else values
        if place()[0] == 0:
            whole[name.removeprefix("module.").removeprefix("model.")] = values.cpu()
    return whole
