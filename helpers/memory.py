"""Give back what is no longer used, where memory is short."""

import ctypes
import gc
import sys


def release() -> None:
    """Delete what nothing refers to, and return freed memory to the system (Linux only).

    The C library keeps freed blocks for later; after a model of 2 GB that is a lot.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl has not
        if trim:
            trim(0)
