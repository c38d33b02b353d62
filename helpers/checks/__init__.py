"""Checks of the exercises, one module a notebook: ○ open, ✗ with what is wrong, ✓ right."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """What a check says; shown in a notebook as `mark message`."""

    mark: str
    message: str

    def __repr__(self) -> str:
        return f"{self.mark} {self.message}"


def check(judge: Callable[[Any], str | None]) -> Callable[[Any], Outcome]:
    """Turn a judge into a check that never raises.

    Args:
        judge: takes the learner's answer; returns None where it is right, else one sentence on
            what is wrong. An answer that raises NotImplementedError is still open.
    """

    @wraps(judge)
    def run(answer: Any) -> Outcome:
        try:
            complaint = judge(answer)
        except Exception as error:
            if isinstance(error, NotImplementedError) and not error.args:  # torch's have a text
                return Outcome("○", "open: replace the line that raises NotImplementedError")
            return Outcome("✗", f"it stopped with {type(error).__name__}: {error}")
        return Outcome("✗", complaint) if complaint else Outcome("✓", "right")

    return run


def recorded(job: Callable) -> tuple[Callable, dict[tuple, Any]]:
    """A toy job as the learner's answer gets it, and what was asked of it.

    Args:
        job: takes settings, by position or by name, and returns what came out.

    Returns:
        The job, and a dictionary that each call fills: settings in the job's order -> result.
    """
    asked: dict[tuple, Any] = {}
    settings = signature(job)

    def run(*given: Any, **named: Any) -> Any:
        key = settings.bind(*given, **named).args
        asked[key] = job(*key)
        return asked[key]

    return run, asked
