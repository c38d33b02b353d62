"""Freed memory goes back to the system."""

import sys

import psutil
import pytest

from helpers import memory


class Node:
    """Refers to itself, so only the garbage collector finds it."""

    def __init__(self) -> None:
        self.itself = self
        self.payload = [bytes(1000) for _ in range(100_000)]  # 100 MB in small blocks


def resident_mb() -> float:
    return psutil.Process().memory_info().rss / 1e6


def test_release_works_everywhere_and_more_than_once():
    memory.release()
    memory.release()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does it by itself")
def test_release_returns_what_a_forgotten_cycle_held():
    memory.release()
    before = resident_mb()
    node = Node()
    held = resident_mb()
    assert held > before + 80
    del node
    memory.release()
    assert resident_mb() < held - 60
