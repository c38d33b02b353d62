"""What is wrong with a product file, told in one message of less than 500 characters."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

LONGEST_MESSAGE = 499  # characters
_PLACES = 5  # rows named of each kind


class ProductFileError(ValueError):
    """A product file that can't be used as it is; the message says what to mend."""


class Fault(NamedTuple):
    """One fault. Those with the same column and the same `what` are of one kind."""

    row: int  # the N-th product; 0 is the header
    line: int  # as an editor or a spreadsheet counts it
    column: str  # "" where no single one is at fault
    what: str  # "{}" in it stands for what differs from row to row
    advice: str
    shown: str = ""  # in place of "{}", of the first row only


def short(text: str, width: int = 40) -> str:
    """The text in quotes, escaped, and cut to so many characters."""
    quoted = repr(text[: width + 1])
    return quoted if len(quoted) <= width else f"{quoted[: width - 4]}...{quoted[0]}"


def short_path(path: str | Path) -> str:
    """The path as it can be printed; of a very long one the end."""
    text = str(path).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= 150 else f"...{text[-147:]}"


def listed(names: Sequence[str], room: int) -> str:
    """As many of the names, in quotes, as fit into so many characters."""
    text = ", ".join(short(name, 60) for name in names[:50])
    return text if len(text) <= room and len(names) <= 50 else f"{text[: max(room - 4, 0)]} ..."


def first_lines(rows: Sequence[int], lines: Sequence[int]) -> str:
    """The first few of the lines: "lines 3, 4, 6, 7, 9, ..."; where lines are rows, the numbers."""
    numbers = ", ".join(map(str, lines[:_PLACES])) + (", ..." if len(lines) > _PLACES else "")
    if list(rows) == list(lines):
        return numbers
    return f"line {numbers}" if len(lines) == 1 else f"lines {numbers}"


def refusal(path: str | Path, faults: Sequence[Fault], rows: int) -> ProductFileError:
    """The error that names each kind of fault, how many rows have it, and the first few.

    Args:
        path: the file, as the message names it.
        faults: at least one, in file order.
        rows: how many products were read.

    Returns:
        The error, to be raised. Kinds that do not fit into its message are counted there.
    """
    kinds: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        kinds.setdefault((fault.column, fault.what), []).append(fault)
    message = f"{short_path(path)}, "
    for number, kind in enumerate(kinds.values()):
        clause = ("Also " if number else "") + _clause(kind, rows, message)
        tail = f"{len(kinds) - number} more kinds of faults follow."
        if number and len(message) + len(clause) + len(tail) > LONGEST_MESSAGE:
            message += tail
            break
        message += clause + " "
    return ProductFileError(message.strip())


def _clause(kind: list[Fault], rows: int, said: str) -> str:
    first = kind[0]
    place = f"row {first.row} (line {first.line})" if first.row else f"line {first.line}"
    if first.row == first.line:
        place = f"row {first.row}"
    if first.column:
        place += f", column {short(first.column, 30)}"
    what = first.what.replace("{}", first.shown)
    if len(kind) > 1:
        lines = first_lines([fault.row for fault in kind], [fault.line for fault in kind])
        what += f", in {len({fault.row for fault in kind})} of {rows} rows ({lines})"
    return f"{place}: {what}." + ("" if first.advice in said else f" {first.advice}")
