"""Parameters of a notebook, looked at before anything runs; and one run at a time in a folder."""

import ast
import contextlib
import difflib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from helpers.paths import ROOT

OWN = "# Parameters. "  # so begins a notebook's own cell
INJECTED = "# Parameters\n"  # and so the one that papermill puts behind it
_KINDS = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
}
_HELD: dict[Path, FileLock] = {}  # a lock is given back when its object goes


class ParameterError(ValueError):
    """A parameter that can't be used; the message names it and says what to do."""


class Rule(NamedTuple):
    """What a parameter may be. `low` and `high` bound a number, or the items of a list."""

    kind: type
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] = ()  # the only values of a text, or of a list's items
    items: type = str  # of a list; and what a mapping's values are


COMMON = {  # parameters that mean the same wherever they stand
    "DATA": Rule(str),
    "COLUMNS": Rule(dict),
    "BASE_MODEL": Rule(str),
    "RUN_DIR": Rule(str),
    "TRAIN_ROWS": Rule(int, 1),
    "VALIDATION_ROWS": Rule(int, 1),
    "SEED": Rule(int, 0, 2**32 - 1),
    "MAX_LENGTH": Rule(int, 16),
    "MAX_NEW_TOKENS": Rule(int, 1),
    "NUM_DRAFTS": Rule(int, 1, 64),
    "PRECISION": Rule(str, choices=("auto", "bfloat16", "float32")),
}


def check(values: Mapping[str, Any], rules: Mapping[str, Rule] | None = None) -> None:
    """Refuse values of a wrong type or out of range, and names that are no parameter.

    A value has to be of its default's kind, and no number is negative, since -1 rows would be all
    but the last. Defaults and names from outside are read where they can be seen: in the kernel's
    list of inputs, `In`.

    Args:
        values: name -> value, such as a notebook's `globals()`.
        rules: name -> what it may be, where more is known than its default tells.

    Raises:
        ParameterError: names every parameter at fault (up to five), its value, and what to do.
    """
    usual = _assigned(values.get("In", []), OWN)
    known = {
        name: COMMON.get(name) or _rule_of(_literal(value, values[name]))
        for name, value in usual.items()
    }
    known |= rules or {}
    faults = [unknown(name, known) for name in injected_names(values) if name not in known]
    for name, rule in known.items():
        fault = _fault_of(values[name], rule)
        if fault:
            faults.append(f"{name} is {_short(values[name])}, and has to be {fault}.")
    if faults:
        raise ParameterError(" ".join(faults[:5]))


def injected_names(values: Mapping[str, Any]) -> list[str]:
    """The names that papermill has set from outside, in their order."""
    return list(_assigned(values.get("In", []), INJECTED))


def run_folder(name: str) -> Path:
    """The folder that a run writes into.

    Args:
        name: counts from the project's folder; `~` is your home.

    Raises:
        ParameterError: it is a file, or it holds the project: a run would replace folders there.
    """
    folder = (ROOT / Path(name).expanduser()).resolve()
    if folder.is_file() or ROOT.is_relative_to(folder):
        what = "a file" if folder.is_file() else "no folder of its own"
        raise ParameterError(
            f"RUN_DIR is {_short(name)}, which is {what}, and a run replaces what it finds in its "
            "folder. Name another one, such as runs/mine."
        )
    return folder


def lock(folder: Path) -> None:
    """Hold a folder for this process, until it ends; the system frees it even if it is killed.

    Args:
        folder: made if it is missing.

    Raises:
        ParameterError: another process holds it.
    """
    folder = folder.resolve()
    if folder in _HELD:  # the cell is run a second time
        return
    folder.mkdir(parents=True, exist_ok=True)
    held = FileLock(folder / ".lock")
    try:
        held.acquire(timeout=0)
    except Timeout as error:
        raise ParameterError(
            f"RUN_DIR: another run is at work in {folder}, or a notebook's kernel is still open "
            "there, and both would write the same files. Wait until it ends, shut that kernel "
            "down, or name another RUN_DIR."
        ) from error
    _HELD[folder] = held


def check_disk(folder: Path, needed: int) -> None:
    """Refuse to begin what could not be written in the end.

    Args:
        folder: where files will be written; it need not be there yet.
        needed: bytes.

    Raises:
        ParameterError: less is free.
    """
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise ParameterError(
            f"RUN_DIR: {needed / 1e9:.1f} GB are needed in {there}, and {free / 1e9:.1f} GB are "
            "free. Make room, or name a RUN_DIR on another disk."
        )


def _assigned(inputs: list[str], begin: str) -> dict[str, ast.expr]:
    """What the cells that begin so assign; a cell that is no Python was mended and run again."""
    found = {}
    for source in inputs:
        if source.startswith(begin):
            with contextlib.suppress(SyntaxError):
                for statement in ast.parse(source).body:
                    if isinstance(statement, ast.Assign):
                        names = [one.id for one in statement.targets if isinstance(one, ast.Name)]
                        found |= dict.fromkeys(names, statement.value)
    return found


def _literal(expression: ast.expr, value: Any) -> Any:
    """What stands there; where a learner has written a formula, what it gave."""
    try:
        return ast.literal_eval(expression)
    except ValueError:
        return value


def _rule_of(default: Any) -> Rule:
    """What a parameter may be, as far as its usual value tells: whole numbers count something."""
    kind = type(default)
    if kind is list:
        numbers = [one for one in default if not isinstance(one, str)]
        items = float if float in map(type, numbers) else int if numbers else str
        return Rule(list, low=0 if numbers else None, items=items if default else object)
    return Rule(kind, low=1 if kind is int and default > 0 else 0 if kind in (int, float) else None)


def unknown(name: str, known: Iterable[str]) -> str:
    """What to say of a name that is no parameter: the one that is near it, or all there are."""
    near = difflib.get_close_matches(name.upper(), known, n=1)
    meant = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
    return f"No parameter {_short(name)}. {meant}"


def _fault_of(value: Any, rule: Rule) -> str | None:
    """What the value has to be, where it is not; None where it is."""
    if not _is(value, rule.kind):
        advice = {
            list: " (papermill: -y 'NAME: [1, 2]', since -p gives text)",
            dict: " (papermill: -y 'NAME: {title: name}', since -p gives text)",
            float: " (in YAML 1e-4 is text, and 1.0e-4 a number)" if isinstance(value, str) else "",
            bool: " (papermill: -p NAME True, with a capital letter)",
            str: " (papermill: -r NAME VALUE, since -p makes numbers of digits)",
        }
        return _KINDS[rule.kind] + advice.get(rule.kind, "")
    parts = value if rule.kind is list else list(value.values()) if rule.kind is dict else [value]
    if rule.kind in (list, dict) and not all(_is(part, rule.items) for part in parts):
        return f"{_KINDS[rule.kind]} of which every value is {_KINDS[rule.items]}"
    if rule.choices and not all(part in rule.choices for part in parts):
        return f"{'of' if rule.kind is list else 'one of'} {', '.join(map(repr, rule.choices))}"
    low = rule.low is not None and any(part < rule.low for part in parts)
    if low or (rule.high is not None and any(part > rule.high for part in parts)):
        ends = [f"at least {rule.low:g}"] if rule.low is not None else []
        return " and ".join(ends + ([f"at most {rule.high:g}"] if rule.high is not None else []))
    return None


def _is(value: Any, kind: type) -> bool:
    """Whether it is of that kind: a whole number is a number, True and nan are none."""
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and value == value
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
