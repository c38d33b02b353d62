"""Recorded studies: long runs as a small table, one line a finished run, and one made again."""

import datetime
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.run_files import write_text

PACKAGES = ("torch", "transformers")


def recorded(path: Path) -> pd.DataFrame:
    """The finished runs of a study, in the order in which they ended; empty where there are none.

    Raises:
        ValueError: the file is no table of CSV; it is left as it is.
    """
    if not path.exists():
        return pd.DataFrame()
    try:
        return pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path}: not readable as CSV ({error}). Restore the file, or delete it and run the "
            "study again."
        ) from error


def append(path: Path, settings: Mapping[str, Any], results: Iterable[Mapping[str, Any]]) -> None:
    """Add a finished run, at once and whole: an interrupted study goes on where it was.

    Lines with the same settings, of an earlier try, are replaced.

    Args:
        path: a CSV; made if it is missing.
        settings: what tells the run from the others. Every line holds it.
        results: one or more lines of what came out.
    """
    table, lines = recorded(path), pd.DataFrame([{**settings, **line} for line in results])
    if len(table):
        table = table[~_same_settings(table, settings)]
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = pd.concat([table, lines], ignore_index=True)
    write_text(path, whole.to_csv(index=False, lineterminator="\n"))


def missing(path: Path, wanted: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the wanted settings that no line of the study has, in their order."""
    table = recorded(path)
    return [one for one in wanted if not len(table) or not _same_settings(table, one).any()]


def made_with(command: str, precision: str) -> dict[str, str]:
    """Command, versions, date and machine, to stand in each line of a study.

    Args:
        precision: of matrix products, as helpers.precision chose it.
    """
    return {
        "command": command,
        "versions": " ".join(f"{name}=={metadata.version(name)}" for name in PACKAGES),
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {precision}",
    }


def compare(
    path: Path,
    settings: Mapping[str, Any],
    fresh: Mapping[str, float],
    tolerances: Mapping[str, float],
) -> pd.DataFrame:
    """A recorded run beside the same run made again.

    Args:
        path: the study.
        settings: of the run.
        fresh: what the run that was made again gave.
        tolerances: quantity -> largest difference that still counts as the same.

    Returns:
        One line a quantity: recorded, fresh, difference, tolerance, same.

    Raises:
        LookupError: the study has no line, or several, with these settings.
    """
    table = recorded(path)
    found = table[_same_settings(table, settings)] if len(table) else table
    if len(found) != 1:
        raise LookupError(f"{path}: {len(found)} lines with {dict(settings)}, not one")
    lines = {}
    for name, tolerance in tolerances.items():
        difference = abs(float(found.iloc[0][name]) - float(fresh[name]))
        lines[name] = {
            "recorded": found.iloc[0][name],
            "fresh": fresh[name],
            "difference": difference,
            "tolerance": tolerance,
            "same": difference <= tolerance,
        }
    return pd.DataFrame(lines).T


def _same_settings(table: pd.DataFrame, settings: Mapping[str, Any]) -> pd.Series:
    same = pd.Series(True, index=table.index)
    for name, value in settings.items():
        same &= table[name].eq(value) if name in table else False
    return same
