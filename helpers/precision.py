"""The precision of matrix products in training: bfloat16 where the processor has it."""

import time

import torch

PRECISIONS = ("bfloat16", "float32")
_SIDE = 512  # rows and columns of the matrices that are timed
_ROUNDS = 12


def choose(wanted: str = "auto", device: str = "cpu") -> str:
    """The precision for this machine, or the one that is asked for.

    On a processor without bfloat16 instructions, autocast to bfloat16 still works, many times
    as slowly as float32. So "auto" takes bfloat16 only where the processor says that it has such
    instructions *and* a short measurement finds them faster: a processor may have what a setting
    or a library does not use.

    Args:
        wanted: "auto", "bfloat16" or "float32".
        device: where the products are made, "cpu" or "cuda".

    Returns:
        "bfloat16" (products in bfloat16; weights, gradients and moments stay float32) or "float32".

    Raises:
        ValueError: wanted is none of the three.

    Source: notebooks/05_training_loop.ipynb, section 5.5.
    """
    if wanted in PRECISIONS:
        return wanted
    if wanted != "auto":
        raise ValueError(f"PRECISION is {wanted!r}; take 'auto', 'bfloat16' or 'float32'")
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bfloat16" if has_bfloat16() and bfloat16_gain() > 1 else "float32"


def has_bfloat16() -> bool:
    """Whether the processor says that it multiplies bfloat16 natively."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))  # last: ARM


def bfloat16_gain() -> float:
    """How many times as fast as float32 a small matrix product is in bfloat16, on the CPU.

    The two take turns, and the fastest of each counts: whatever else the machine does meanwhile
    then slows both.
    """
    turns = [(_seconds(torch.float32), _seconds(torch.bfloat16)) for _ in range(_ROUNDS)]
    return min(wide for wide, _ in turns) / min(narrow for _, narrow in turns)


def _seconds(dtype: torch.dtype) -> float:
    """Seconds of one product; the first one of all sets the library up."""
    matrix = torch.ones(_SIDE, _SIDE, dtype=dtype)
    begin = time.perf_counter()
    matrix @ matrix
    return time.perf_counter() - begin
