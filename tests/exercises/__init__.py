"""Answers to the exercises, one module a notebook; each holds a dictionary EXERCISES."""

from collections.abc import Callable
from typing import Any, NamedTuple

from helpers.checks import Outcome


class Exercise(NamedTuple):
    """A check, right answers by name, and mistakes by name: the sentence and the answer."""

    check: Callable[[Any], Outcome]
    right: dict[str, Any]
    mistakes: dict[str, tuple[str, Any]]
