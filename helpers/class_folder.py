"""What a class shares: one small JSON a seat and lesson, in a folder that all can reach."""

import hashlib
import io
import json
import platform
import shutil
import time
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from helpers.blind_read import LABELS
from helpers.paths import ROOT
from helpers.run_files import write_json, write_text

MOST_SEATS = 999
KINDS = {
    "lesson": str,
    "seat": int,
    "machine": str,
    "minutes": float,
    "precision": str,
    "train_rows": int,
    "scores": dict,
}


class ClassFolderError(ValueError):
    """A folder, a seat or a file that can't be used; the message names it and says what to do."""


def folder_of(class_dir: str) -> Path:
    """The shared folder; a relative path counts from the course's folder, and `~` is your home.

    Raises:
        ClassFolderError: there is no such folder. It is not made: a share that is not connected
            would be written to this machine's disk, where nobody looks.

    Source: notebooks/class_board.ipynb.
    """
    folder = ROOT / Path(class_dir).expanduser()
    if not (class_dir and folder.is_dir()):
        raise ClassFolderError(
            f"CLASS_DIR is {class_dir!r}, and there is no such folder on this machine. Is the "
            "share connected? Make the folder first, once for the whole class."
        )
    return folder


def check_seat(class_dir: str, seat: int) -> None:
    """Refuse a folder or a seat number before a long run, not after it; "" asks for nothing.

    Raises:
        ClassFolderError: the folder is missing, or the seat is no whole number from 1 to 999.

    Source: notebooks/class_board.ipynb.
    """
    if not class_dir:
        return
    folder_of(class_dir)
    if type(seat) is not int or not 1 <= seat <= MOST_SEATS:
        raise ClassFolderError(
            f"SEED is {seat!r}. With CLASS_DIR it is your seat number, a whole number from 1 to "
            f"{MOST_SEATS}."
        )


def write_seat(
    class_dir: str,
    lesson: str,
    seat: int,
    means: dict[str, dict[str, float]],
    nll: dict[str, float],
    bf16: bool,
    train_rows: int,
) -> None:
    """Put this seat's result into the class's folder, whole or not at all.

    The file's name holds the machine, so two learners with one seat number lose nothing. The
    minutes count from the start of the notebook's kernel.

    Args:
        class_dir: the shared folder; "" writes nothing.
        lesson: "05" or "06".
        seat: the seat number, from 1 on.
        means: system -> measure -> mean over the validation rows.
        nll: system -> nats per token.
        bf16: whether training made its matrix products in bfloat16, or in float32.
        train_rows: products that were trained on.

    Raises:
        ClassFolderError: as `check_seat`.

    Source: notebooks/class_board.ipynb.
    """
    if not class_dir:
        return
    check_seat(class_dir, seat)
    scores = {system: dict(values) for system, values in means.items()}
    for system, value in nll.items():
        scores.setdefault(system, {})["NLL"] = value
    machine = hashlib.sha256(f"{platform.node()}|{Path.home()}".encode()).hexdigest()[:8]
    minutes = round((time.time() - psutil.Process().create_time()) / 60, 1)
    precision = "bfloat16" if bf16 else "float32"
    values = (lesson, seat, machine, minutes, precision, train_rows, scores)
    path = folder_of(class_dir) / f"{lesson}_seat_{seat:03}_{machine}.json"
    write_json(path, dict(zip(KINDS, values, strict=True)))
    print(f"seat {seat}: the result of {lesson} is in {path}")


def read_seats(class_dir: str) -> pd.DataFrame:
    """All results that have arrived.

    Returns:
        One row a file, in the order of lesson and seat: lesson, seat, machine, minutes,
        precision, train_rows, and scores (system -> measure -> mean).

    Raises:
        ClassFolderError: the folder is missing, or files can't be used. All of them are named.

    Source: notebooks/class_board.ipynb.
    """
    records, faults = [], []
    for path in sorted(folder_of(class_dir).glob("*_seat_*.json")):
        try:
            records.append(_record(json.loads(path.read_text(encoding="utf-8"))))
        except ValueError as error:
            faults.append(f"{path.name}: {error}")
    if faults:
        raise ClassFolderError(
            f"{len(faults)} of the files in {class_dir} can't be used. {'; '.join(faults)}. "
            "Delete them; these seats run the cell that wrote them again."
        )
    return pd.DataFrame(records, columns=list(KINDS)).sort_values(["lesson", "seat"])


def write_sheets(class_dir: str, sheets: dict[int, pd.DataFrame]) -> list[Path]:
    """One sheet a seat in blind_read/, to be filled in a spreadsheet; one that is there stays.

    Args:
        sheets: seat -> its sheet, as `blind_read.deal` makes them.

    Returns:
        The sheets that were written now.

    Source: notebooks/class_board.ipynb.
    """
    folder = folder_of(class_dir) / "blind_read"
    if folder.exists():  # dealt before: other pairs now would mix two deals
        return []
    part = folder.with_name("blind_read.part")  # all sheets, or none
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for seat, sheet in sheets.items():  # the mark tells Excel: UTF-8
        write_text(part / f"seat_{seat:03}.csv", "\ufeff" + sheet.to_csv(index=False))
    part.replace(folder)
    return sorted(folder.iterdir())


def read_sheets(class_dir: str) -> pd.DataFrame:
    """The labels that seats have given so far.

    Returns:
        seat, item, label and reason; texts without a label are left out.

    Raises:
        ClassFolderError: a sheet can't be read, lacks a column or holds an unknown label.

    Source: notebooks/class_board.ipynb.
    """
    tables = [pd.DataFrame(columns=["seat", "item", "label", "reason"])]
    for path in sorted((folder_of(class_dir) / "blind_read").glob("seat_*.csv")):
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        mark = ";" if ";" in text.partition("\n")[0] else ","  # some spreadsheets save with ;
        try:
            seat = int(path.stem.removeprefix("seat_"))
            sheet = pd.read_csv(io.StringIO(text), sep=mark, dtype=str, keep_default_na=False)
        except ValueError as error:  # a second copy, seat_003 (1).csv; a file without content
            raise ClassFolderError(
                f"{path} can't be used ({error}). Keep one file a seat."
            ) from error
        if missing := {"item", "label", "reason"} - set(sheet):
            raise ClassFolderError(f"{path} lacks the column {', '.join(sorted(missing))}.")
        sheet["label"] = sheet["label"].str.strip().str.lower()
        if unknown := sorted(set(sheet["label"]) - {"", *LABELS}):
            raise ClassFolderError(
                f"{path} holds the label {', '.join(unknown)}. Known are {', '.join(LABELS)}."
            )
        filled = sheet[sheet["label"] != ""].assign(seat=seat)
        tables.append(filled[["seat", "item", "label", "reason"]])
    return pd.concat(tables, ignore_index=True)


def _record(value: Any) -> dict[str, Any]:
    """A seat's record as it is, or a ValueError that says what is wrong with it."""
    if not isinstance(value, dict) or set(value) != set(KINDS):
        raise ValueError(f"it does not hold exactly {', '.join(KINDS)}")
    for name, kind in KINDS.items():
        if not isinstance(value[name], kind):
            raise ValueError(f"{name} is {value[name]!r}")
    return value
