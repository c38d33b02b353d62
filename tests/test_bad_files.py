"""A thousand bad files, each refused in one short message, and good ones that are read as written.

hypothesis makes the files. They are the same in each run; HYPOTHESIS_SEED in the environment
takes others.
"""

import csv
import io
import json
import os
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
import openpyxl
import pytest
from hypothesis import HealthCheck, assume, given, seed, settings

from helpers.product_tables import clean, csv_records
from helpers.products import COLUMNS, ProductFileError, read_products

SEED = int(os.environ.get("HYPOTHESIS_SEED", "0"))
FORMATS = ["csv", "jsonl", "json"] * 3 + ["xlsx"]  # a workbook takes ten times as long
MARKS = st.sampled_from([",", ";", "\t", "|"])  # between the cells of a CSV
WORDS = ["mug", "1.7 L", "crème", '12" wide', "it's", "NaN", "a; b", "red, blue", "{}", "茶", "🫖"]


def run(examples: int):
    """So many examples, in any time; nothing is kept for another run."""
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    limits = settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=quiet
    )
    return lambda test: seed(SEED)(limits(test))


def csv_line(cells, mark=",") -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=mark).writerow(cells)
    return stream.getvalue().removesuffix("\r\n")


def with_header(rows) -> list[list]:
    return [list(rows[0]), *([row[column] for column in rows[0]] for row in rows)]


def csv_bytes(rows, mark=",") -> bytes:
    return "\n".join(csv_line(cells, mark) for cells in with_header(rows)).encode()


def jsonl_bytes(rows) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def json_bytes(rows) -> bytes:
    return ("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]").encode()


def xlsx_bytes(rows) -> bytes:
    book = openpyxl.Workbook()
    for line, cells in enumerate(with_header(rows), start=1):
        for column, value in enumerate(cells, start=1):
            cell = book.active.cell(line, column, value)
            if value == "#N/A":
                cell.data_type = "e"
            elif isinstance(value, str):
                cell.data_type = "s"  # "=1" is text, and no formula
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


WRITERS = {"csv": csv_bytes, "jsonl": jsonl_bytes, "json": json_bytes, "xlsx": xlsx_bytes}
FIRST_LINE = {"csv": 2, "jsonl": 1, "json": 2, "xlsx": 2}  # of the first product

words = st.sampled_from(WORDS)
simple_rows = st.lists(
    st.tuples(*[words] * 5).map(lambda cells: dict(zip(COLUMNS, cells, strict=True))),
    min_size=1,
    max_size=6,
)


def set_cell(rows, number, column, value):
    rows[number][column] = value


def drop_cell(rows, number, column, value):
    del rows[number][column]


EMPTY = ["", " ", "\t\n", "\u00a0", "\ufeff", "\u200b"]
# What is done to a row's cell, with which value, in which formats.
IN_ROWS = {
    "empty": (set_cell, st.sampled_from(EMPTY), ["csv", "jsonl", "json", "xlsx"]),
    "too_long": (set_cell, st.just("x" * 100_001), ["csv", "jsonl", "json"]),
    "list_as_text": (set_cell, st.sampled_from(["[]", "[1, 2]", "['a' 'b']"]), ["csv", "jsonl"]),
    "null": (set_cell, st.none(), ["jsonl", "json", "xlsx"]),
    "not_a_number": (set_cell, st.just(float("nan")), ["jsonl", "json"]),
    "bool": (set_cell, st.booleans(), ["jsonl", "json", "xlsx"]),
    "date": (set_cell, st.datetimes(datetime(1901, 1, 1)), ["xlsx"]),
    "error": (set_cell, st.just("#N/A"), ["xlsx"]),
    "object": (set_cell, st.dictionaries(words, st.integers()), ["jsonl", "json"]),
    "lists": (set_cell, st.just([["a"]]), ["jsonl", "json"]),
    "half": (set_cell, st.sampled_from(["Mug \ud83d", "\udc00"]), ["jsonl", "json"]),
    "nul": (set_cell, st.just("a\0b"), ["jsonl", "json"]),
    "absent": (drop_cell, st.none(), ["jsonl", "json"]),
}


def spoil_line(kind: str, line: str, cells: list, header: list) -> str:
    """A line of a CSV or JSONL that can't be read any more."""
    if kind == "many_cells":
        return f"{line},more"
    if kind == "few_cells":
        return csv_line(cells[:3])
    if kind == "header":
        return csv_line(header)
    if kind == "open_quote":
        return '"' + csv_line(["x", *cells[1:]]).replace('"', "")
    if kind == "text_after_quote":
        return '"mug" x' + line
    if kind == "swallowed":
        return csv_line([*cells[:-1], "A mug.\na,b,c,d,e\nf,g,h,i,j"])
    if kind == "cut":
        return line[:-1]
    if kind == "deep":
        return '{"name": ' + "[" * 100_000
    if kind == "twice":
        return line[:-1] + ', "name": "x"}'
    return '"mug"'  # "text"


IN_LINES = {
    "csv": ["many_cells", "few_cells", "header", "open_quote", "text_after_quote", "swallowed"],
    "jsonl": ["cut", "deep", "twice", "text"],
}
OF_LINES = {"open_quote": "category", "text_after_quote": "category", "twice": "name"}
OF_LINES |= {"swallowed": "description"}


def refused(suffix: str, content: bytes) -> str:
    """The message with which the file is refused; the folder stays as it was."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"shop.{suffix}"
        path.write_bytes(content)
        with pytest.raises(ProductFileError) as caught:
            read_products(path)
        assert path.read_bytes() == content
        assert list(Path(folder).iterdir()) == [path]
        message = str(caught.value)
        assert message.startswith(f"{path}"), message
        assert len(message) < 500, message
        assert "\n" not in message
        assert message.encode()  # no half characters: it can be printed
        return message.removeprefix(str(path))


def place(suffix: str, number: int, blank_lines: int = 0) -> str:
    line = number + FIRST_LINE[suffix] + blank_lines
    return f", row {number + 1}" + ("" if line == number + 1 else f" (line {line})")


@run(700)
@given(st.data(), simple_rows)
def test_a_bad_cell_is_named_by_file_row_line_and_column(data, rows):
    suffix = data.draw(st.sampled_from(FORMATS))
    kinds = [kind for kind, (_, _, formats) in IN_ROWS.items() if suffix in formats]
    spoil, values, _ = IN_ROWS[data.draw(st.sampled_from(kinds))]
    column = "features" if spoil is set_cell and "[1, 2]" in repr(values) else None
    column = column or data.draw(st.sampled_from(COLUMNS))
    chosen = data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=1))
    # A column that no row has is another fault, and a sheet drops rows without any cell.
    assume(spoil is not drop_cell or len(chosen) < len(rows))
    value = data.draw(values)
    for number in chosen:
        spoil(rows, number, column, value)
    content = csv_bytes(rows, data.draw(MARKS)) if suffix == "csv" else WRITERS[suffix](rows)
    message = refused(suffix, content)
    assert message.startswith(f"{place(suffix, min(chosen))}, column '{column}': "), message
    assert (f"{len(chosen)} of {len(rows)} rows" in message) == (len(chosen) > 1), message


@run(200)
@given(st.data(), simple_rows, st.integers(0, 2))
def test_a_bad_line_is_named_by_file_row_and_line(data, rows, blank_lines):
    suffix = data.draw(st.sampled_from(["csv", "jsonl"]))
    kind = data.draw(st.sampled_from(IN_LINES[suffix]))
    number = data.draw(st.integers(0, len(rows) - 1))
    cells = with_header(rows)[number + 1]
    lines = WRITERS[suffix](rows).decode().split("\n")
    at = number + FIRST_LINE[suffix] - 1
    lines[at] = "\n" * blank_lines + spoil_line(kind, lines[at], cells, list(rows[0]))
    message = refused(suffix, "\n".join(lines).encode())
    where = place(suffix, number, blank_lines)
    assert message.startswith(where), message
    assert kind not in OF_LINES or f"{where}, column '{OF_LINES[kind]}': " in message, message


@run(100)
@given(st.data(), simple_rows, st.sampled_from(FORMATS), st.text(max_size=200))
def test_a_missing_column_is_named_with_those_that_were_found(data, rows, suffix, other):
    assume(suffix != "xlsx" or other.isprintable())
    column = data.draw(st.sampled_from(COLUMNS))
    other = clean(other)
    assume(other and other not in COLUMNS and "\0" not in other)
    assume(suffix != "csv" or max(map(other.count, ";\t|")) < len(COLUMNS))  # marks of the header
    for row in rows:
        row[other] = row.pop(column)
    message = refused(suffix, WRITERS[suffix](rows))
    assert f"no column '{column}'; found " in message


@run(100)
@given(st.data(), simple_rows, st.sampled_from(FORMATS), st.binary(max_size=4))
def test_damaged_bytes_are_read_or_refused_and_never_end_otherwise(data, rows, suffix, put):
    content = WRITERS[suffix](rows)
    # A share of the length, since a workbook holds the time and is not always equally long.
    start = data.draw(st.integers(0, 1000)) * len(content) // 1000
    damaged = content[:start] + put + content[start + data.draw(st.integers(0, 40)) :]
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"shop.{suffix}"
        path.write_bytes(damaged)
        try:
            rows = read_products(path)
        except ProductFileError as error:
            assert str(path) in str(error) and len(str(error)) < 500
        else:
            assert (rows[COLUMNS] != "").all(axis=None)


letters = st.characters(exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp"], exclude_characters="[]")
texts = st.text(letters, min_size=1, max_size=20).map(clean).filter(bool)
good_rows = st.lists(
    st.fixed_dictionaries(
        {
            "category": texts,
            "name": texts,
            "features": st.lists(texts, min_size=2, max_size=4).map(", ".join),
            "color": texts,
            "description": texts,
        }
    ),
    min_size=1,
    max_size=4,
)


@run(100)
@given(good_rows, st.sampled_from(FORMATS), MARKS)
def test_a_good_file_is_read_as_it_was_written(rows, suffix, mark):
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"shop.{suffix}"
        content = csv_bytes(rows, mark) if suffix == "csv" else WRITERS[suffix](rows)
        path.write_bytes(content)
        read = read_products(path)
    assert read.to_dict("records") == [tidy(row) for row in rows]
    assert read.attrs["lines"] == [i + FIRST_LINE[suffix] for i in range(len(rows))]


def tidy(row: dict) -> dict:
    """Features that begin or end with a comma and a blank lose it."""
    features = [clean(feature) for feature in row["features"].split(", ")]
    return row | {"features": ", ".join(feature for feature in features if feature)}


def as_the_library(text: str) -> list[list[str]] | None:
    """The records by the standard library's reader; None where it refuses."""
    stream = io.StringIO(text, newline="")
    try:
        return [row for row in csv.reader(stream, strict=True, skipinitialspace=True) if any(row)]
    except csv.Error:
        return None


@run(200)
@given(st.text(st.sampled_from('ab ,"\n\r'), max_size=30))
def test_what_the_librarys_csv_reader_accepts_is_read_alike(text):
    expected = as_the_library(text)
    assume(expected)
    found = [cells for _, cells in csv_records(Path("a.csv"), text)]
    stripped = [[cell.strip() for cell in cells] for cells in expected]
    assert [[cell.strip() for cell in cells] for cells in found] == [
        cells for cells in stripped if any(cells)
    ]
