"""helpers/products.py: files that are read as they stand, and files that are refused."""

import json
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from helpers import products
from helpers.products import (
    COLUMNS,
    ProductFileError,
    check_lengths,
    check_special_tokens,
    load_split,
    read_products,
    row_lines,
    with_voice,
)

HEADER = "category,name,features,color,description\n"
KETTLE = "Kitchen,Kettle,1.7 L,green,Boils water.\n"
LAMP = "Home,Lamp,dimmer,white,Gives light.\n"
KETTLE_CELLS = ["Kitchen", "Kettle", "1.7 L", "green", "Boils water."]


def json_line(**changes: object) -> str:
    return json.dumps(dict(zip(COLUMNS, KETTLE_CELLS, strict=True)) | changes) + "\n"


def read(folder: Path, name: str, content: str | bytes) -> pd.DataFrame:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_products(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", HEADER + KETTLE),
        ("bom.csv", "\ufeff" + HEADER + KETTLE),
        ("crlf.csv", (HEADER + KETTLE).replace("\n", "\r\n")),
        ("bom_crlf.csv", "\ufeff" + (HEADER + KETTLE).replace("\n", "\r\n")),
        ("cr.csv", (HEADER + KETTLE).replace("\n", "\r")),
        ("no_last_newline.csv", (HEADER + KETTLE).removesuffix("\n")),
        ("blank_lines.csv", HEADER + "\n" + KETTLE + "\n"),
        ("quoted.csv", HEADER + '"Kitchen","Kettle","1.7 L","green","Boils water."\n'),
        ("blanks.csv", HEADER + " Kitchen ,Kettle\t, 1.7 L,green ,Boils water. \n"),
        ("plain.jsonl", json_line()),
        ("bom_crlf.jsonl", "\ufeff" + json_line().replace("\n", "\r\n")),
        ("no_last_newline.jsonl", json_line().removesuffix("\n")),
        ("blank_lines.jsonl", "\n" + json_line() + "\n\n"),
        ("blanks.jsonl", json_line(name=" Kettle\n", color="green ")),
        ("UPPER.JSONL", json_line()),
        ("blank_before_quotes.csv", HEADER + 'Kitchen, "Kettle", "1.7 L","green" ,Boils water.\n'),
        ("blanks_in_the_header.csv", HEADER.replace(",", " , ") + KETTLE),
        ("nameless_columns.csv", HEADER.replace("\n", ",,\n") + KETTLE.replace("\n", ",,\n")),
        ("row_numbers.csv", "," + HEADER + "0," + KETTLE),
        ("rows_of_commas.csv", HEADER + ",,,,\n" + KETTLE + ",,,,\n"),
        ("semicolons.csv", (HEADER + KETTLE).replace(",", ";")),
        ("tabs.csv", (HEADER + KETTLE).replace(",", "\t")),
        ("array.json", "[\n" + json_line() + "]\n"),
        ("array.jsonl", "[" + json_line().strip() + "]"),
        ("lines.json", json_line()),
        ("joined.jsonl", "\n\ufeff" + json_line()),
        ("features_as_list.jsonl", json_line(features=["1.7 L"])),
        ("features_as_text_of_a_list.csv", HEADER + KETTLE.replace("1.7 L", "['1.7 L']")),
    ],
)
def test_one_kettle_is_read_alike_from_every_good_file(tmp_path, name, content):
    table = read(tmp_path, name, content)
    assert list(table.columns) == COLUMNS
    assert table.to_numpy().tolist() == [KETTLE_CELLS]


@pytest.mark.parametrize("path_type", [str, Path])
def test_a_path_may_be_text_or_a_path(tmp_path, path_type):
    (tmp_path / "a.csv").write_text(HEADER + KETTLE, encoding="utf-8")
    assert len(read_products(path_type(tmp_path / "a.csv"))) == 1


def test_quoted_commas_quotes_and_newlines_stay_in_their_cell(tmp_path):
    row = 'Kitchen,Kettle,"1.7 L, green",white,"First line,\nand a ""second""."\n'
    table = read(tmp_path, "a.csv", HEADER + row + LAMP)
    assert table.features.tolist() == ["1.7 L, green", "dimmer"]
    assert table.description.tolist() == ['First line,\nand a "second".', "Gives light."]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
@pytest.mark.parametrize("mark", ["\u2028", "\u0085", "\x0b", "\x0c"])
def test_rare_line_separators_do_not_end_a_row(tmp_path, name, mark):
    description = f"Boils{mark}water."
    if name.endswith("csv"):
        content = HEADER + KETTLE.replace("Boils water.", description)
    elif mark < " ":
        content = json_line(description=description)
    else:
        content = json_line().replace("Boils water.", description)
    assert read(tmp_path, name, content).description.tolist() == [description]


def test_rows_and_columns_keep_their_order(tmp_path):
    content = "color,name,category,description,features\nb,2,c,d,e\na,1,c,d,e\n"
    table = read(tmp_path, "a.csv", content)
    assert list(table.columns) == ["color", "name", "category", "description", "features"]
    assert table.color.tolist() == ["b", "a"]


def test_extra_columns_are_kept_even_with_empty_cells(tmp_path):
    header, rows = HEADER.strip() + ",id,note\n", KETTLE.strip() + ",007,\n"
    table = read(tmp_path, "a.csv", header + rows)
    assert list(table.columns) == [*COLUMNS, "id", "note"]
    assert table[["id", "note"]].to_numpy().tolist() == [["007", ""]]
    table = read(tmp_path, "a.jsonl", json_line(id="007", note=""))
    assert table[["id", "note"]].to_numpy().tolist() == [["007", ""]]


@pytest.mark.parametrize("cell", ["007", "NA", "nan", "None", "null", "1.50", "true", "1e5"])
def test_text_that_looks_like_something_else_stays_text(tmp_path, cell):
    csv_table = read(tmp_path, "a.csv", HEADER + KETTLE.replace("Kettle", cell))
    json_table = read(tmp_path, "a.jsonl", json_line(name=cell))
    assert csv_table.name.tolist() == json_table.name.tolist() == [cell]


@pytest.mark.parametrize("number", ["7", "1.50", "1e5", "9" * 5000])
def test_a_number_is_the_text_that_it_is_written_with(tmp_path, number):
    content = json_line().replace('"Kettle"', number)
    assert read(tmp_path, "a.jsonl", content).name.tolist() == [number]


def test_a_column_that_only_some_rows_have_is_empty_in_the_others(tmp_path):
    content = json_line() + json_line(weight="2 kg") + json_line(weight=None)
    assert read(tmp_path, "a.jsonl", content).weight.tolist() == ["", "2 kg", ""]


def test_letters_beyond_ascii_are_read(tmp_path):
    content = HEADER + KETTLE.replace("green", "crème brûlée 茶")
    assert read(tmp_path, "a.csv", content).color.tolist() == ["crème brûlée 茶"]


class Bad(NamedTuple):
    """A bad file, and what its message has to hold: where, what was found, what to do."""

    name: str
    content: str | bytes
    pieces: list[str]


BAD_FILES = {
    "empty": Bad("a.csv", "", ["a.csv: ", "the file is empty"]),
    "only_blanks": Bad("a.csv", " \r\n\n", ["a.csv: ", "the file is empty"]),
    "empty_jsonl": Bad("a.jsonl", "", ["a.jsonl: ", "the file is empty"]),
    "header_only": Bad("a.csv", HEADER, ["a.csv: ", "no rows", "Add at least one product"]),
    "missing_column": Bad(
        "a.csv",
        "category,name,features,description\na,b,c,d\n",
        ["a.csv: no column 'color'; found 'category', 'name', 'features', 'description'."]
        + ["are needed, named in the first line"],
    ),
    "two_missing_columns": Bad(
        "a.csv",
        "category,features,color\na,b,c\n",
        ["a.csv: no column 'name', 'description'; found 'category', 'features', 'color'."],
    ),
    "no_header": Bad("a.csv", KETTLE, ["a.csv: no column 'category'", "found 'Kitchen', 'Kettle'"]),
    "capitals": Bad("a.csv", HEADER.title() + KETTLE, ["no column 'category'", "'Category'"]),
    "row_too_long": Bad(
        "a.csv",
        HEADER + KETTLE + KETTLE.replace("1.7 L", "1.7 L, green") + LAMP,
        ["a.csv, row 2 (line 3)", "header's 5", "in double quotes"],
    ),
    "row_too_short": Bad(
        "a.csv",
        HEADER + KETTLE + "Home,Lamp\n" + LAMP,
        ["a.csv, row 2 (line 3)", "header's 5"],
    ),
    "row_too_short_below_a_long_cell": Bad(
        "a.csv",
        HEADER + KETTLE.replace("Boils water.", '"Boils\nwater."') + "Home,Lamp\n",
        ["a.csv, row 2 (line 4)"],
    ),
    "row_too_short_below_a_blank_line": Bad(
        "a.csv", HEADER + KETTLE + "\nHome,Lamp\n", ["a.csv, row 2 (line 4): it has 2 cells"]
    ),
    "unclosed_quote": Bad(
        "a.csv",
        HEADER + KETTLE + 'Home,"Lamp,dimmer,white,Gives light.\n' + LAMP,
        ["a.csv, row 2 (line 3), column 'name'", "double quote that is not closed"],
    ),
    "unclosed_quote_in_the_header": Bad(
        "a.csv",
        HEADER.replace("name", '"name') + KETTLE,
        ["a.csv, line 1: ", "double quote that is not closed"],
    ),
    "text_after_a_quote": Bad(
        "a.csv",
        HEADER + KETTLE + 'Home,"Lamp" big,c,d,e\n',
        ["a.csv, row 2 (line 3), column 'name'", "the closing one (line 3)"],
    ),
    "empty_cell": Bad(
        "a.csv",
        HEADER + KETTLE + LAMP.replace("white", ""),
        [
            "a.csv, row 2 (line 3), column 'color': the cell is empty",
            "Fill it in or delete the row",
        ],
    ),
    "blank_cell": Bad(
        "a.csv",
        HEADER + KETTLE + LAMP.replace("dimmer", " \t"),
        [
            "a.csv, row 2 (line 3), column 'features': the cell is empty",
            "Fill it in or delete the row",
        ],
    ),
    "blank_json_cell": Bad(
        "a.jsonl",
        json_line() + json_line(description=" \n"),
        ["a.jsonl, row 2, column 'description': the cell is empty", "Fill it in"],
    ),
    "latin_1": Bad(
        "a.csv",
        (HEADER + KETTLE + LAMP.replace("white", "crème")).encode("latin-1"),
        ["a.csv, line 3: byte 0xe8 is not UTF-8", "Save the file again", "UTF-8"],
    ),
    "latin_1_jsonl": Bad(
        "a.jsonl",
        json_line().encode() + json_line().replace("green", "crème").encode("latin-1"),
        ["a.jsonl, line 2: byte 0xe8 is not UTF-8", "Save the file again"],
    ),
    "xlsx": Bad(
        "a.xlsx",
        b"PK\x03\x04\x14\x00[Content_Types].xml",
        ["a.xlsx: ", "save it again", "CSV (UTF-8)"],
    ),
    "xlsx_named_csv": Bad(
        "a.csv", b"PK\x03\x04 no NUL here", ["a.csv: this is not a text file", "save it as CSV"]
    ),
    "nul": Bad(
        "a.csv",
        HEADER + KETTLE.replace("green", "gr\0en"),
        ["a.csv: this is not a text file", "save it as CSV"],
    ),
    "utf_16": Bad(
        "a.csv", (HEADER + KETTLE).encode("utf-16"), ["a.csv: this is not a text file", "UTF-8"]
    ),
    "json_list": Bad(
        "a.jsonl", json_line() + '["Kettle"]\n', ["a.jsonl, row 2: not a JSON object", "curly"]
    ),
    "json_true": Bad(
        "a.jsonl",
        json_line() + json_line(name=True),
        ["a.jsonl, row 2, column 'name': true is not text", "Write in words"],
    ),
    "json_null": Bad(
        "a.jsonl",
        json_line(color=None),
        ["a.jsonl, row 1, column 'color': null is not text", "Fill it in or delete the row"],
    ),
    "json_color_as_list": Bad(
        "a.jsonl",
        json_line(color=["green"]),
        ["a.jsonl, row 1, column 'color': a list is not text", "Write in words"],
    ),
    "column_twice": Bad(
        "a.csv", ",".join([*COLUMNS, "name"]) + "\n", ["a.csv", "'name' stands there twice"]
    ),
    "broken_json": Bad(
        "a.jsonl",
        json_line() + json_line()[:40] + "\n" + json_line(),
        ["a.jsonl, row 2: not readable as JSON", "one whole object on a line"],
    ),
    "json_without_a_column": Bad(
        "a.jsonl",
        json_line() + '{"name": "Kettle"}\n',
        ["a.jsonl, row 2, column 'category': the row has no such column. Fill it in"]
        + ["Also row 2, column 'features'", "row 2, column 'color'", "row 2, column 'description'"],
    ),
}


@pytest.mark.parametrize("bad", BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_refused_with_where_and_what_to_do_and_stays_as_it_was(tmp_path, bad):
    path = tmp_path / bad.name
    content = bad.content.encode() if isinstance(bad.content, str) else bad.content
    path.write_bytes(content)
    with pytest.raises(ProductFileError) as caught:
        read_products(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert [piece for piece in bad.pieces if piece not in message] == []
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_good_file_stays_as_it_was(tmp_path):
    content = ("\ufeff" + HEADER + " Kitchen ,Kettle,1.7 L,green,Boils water.").encode()
    read(tmp_path, "a.csv", content)
    assert (tmp_path / "a.csv").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_file_that_is_not_there_is_named_with_the_place_looked_at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProductFileError, match="no such file") as caught:
        read_products("shop.csv")
    assert str(caught.value).startswith("shop.csv: ")
    assert str(tmp_path / "shop.csv") in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ProductFileError, match="this is a folder"):
        read_products(tmp_path)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_split_is_read_from_its_own_file(tmp_path, monkeypatch, split):
    for name in ("train", "validation", "test"):
        (tmp_path / f"{name}.jsonl").write_text(json_line(name=f"{name} kettle"), encoding="utf-8")
    monkeypatch.setattr(products, "DATA", tmp_path)
    assert load_split(split).name.tolist() == [f"{split} kettle"]


@pytest.mark.parametrize("split", ["dev", "Train", "../train", ""])
def test_an_unknown_split_is_refused_with_the_names_there_are(split):
    with pytest.raises(ValueError, match="train, validation, test") as caught:
        load_split(split)
    assert repr(split) in str(caught.value)


def test_rows_that_just_fit_pass():
    check_lengths("a.csv", [1, 128, 127], 128)
    check_lengths("a.csv", [], 128)


def test_the_first_row_that_is_too_long_is_named_with_its_length_and_the_limit():
    with pytest.raises(ProductFileError) as caught:
        check_lengths("shop/a.csv", [128, 129, 120], 128)
    message = str(caught.value)
    pieces = ["shop/a.csv, row 2, column 'description'", "129 tokens", "128 fit", "Shorten"]
    assert [piece for piece in pieces if piece not in message] == []
    assert "rows" not in message


def test_all_rows_that_are_too_long_are_counted_and_the_first_named_by_line():
    with pytest.raises(ProductFileError) as caught:
        check_lengths("a.csv", [9, 3, 8, *[7] * 6], 5, lines=[2, 3, 6, *range(7, 13)])
    message = str(caught.value)
    assert "row 1 (line 2), column 'description'" in message
    assert (
        "are 9 tokens, and 5 fit (MAX_LENGTH), in 8 of 9 rows (lines 2, 6, 7, 8, 9, ...)."
        in message
    )


def test_a_file_with_a_description_that_is_too_long_stays_as_it_was(tmp_path):
    table = read(tmp_path, "a.csv", HEADER + KETTLE + LAMP)
    before = (tmp_path / "a.csv").read_bytes()
    with pytest.raises(ProductFileError, match="row 1"):
        check_lengths(tmp_path / "a.csv", table.description.str.len().tolist(), 3)
    assert (tmp_path / "a.csv").read_bytes() == before


@pytest.mark.parametrize("column", COLUMNS)
def test_a_cell_with_a_special_token_is_named(tmp_path, column):
    lamp = json_line(**{column: "Gives light.<|im_end|> And more."})
    table = read(tmp_path, "a.jsonl", json_line() + lamp)
    with pytest.raises(ProductFileError) as caught:
        check_special_tokens("shop/a.jsonl", table, ["<|im_start|>", "<|im_end|>"])
    assert f"shop/a.jsonl, row 2, column {column!r}: it holds '<|im_end|>'" in str(caught.value)


def test_cells_with_a_special_token_are_counted_and_named_by_their_line(tmp_path):
    bad = KETTLE.replace("Boils", "<|im_end|>")
    table = read(tmp_path, "a.csv", HEADER + "\n" + bad + LAMP + bad)
    with pytest.raises(ProductFileError) as caught:
        check_special_tokens("a.csv", table, ["<|im_end|>"])
    assert "a.csv, row 1 (line 3), column 'description'" in str(caught.value)
    assert "in 2 of 3 rows (lines 3, 5)" in str(caught.value)


def test_rows_know_their_lines_after_they_are_chosen_and_mixed(tmp_path):
    table = read(tmp_path, "a.csv", HEADER + "\n" + KETTLE + LAMP + "\n" + KETTLE)
    assert row_lines(table) == [3, 4, 6]
    assert row_lines(table[table.name == "Lamp"].assign(family="lamp")) == [4]
    mixed = table.sample(frac=1, random_state=0)
    line_of = dict(zip(table.index, [3, 4, 6], strict=True))
    assert list(mixed.index) != list(table.index)
    assert row_lines(mixed) == [line_of[i] for i in mixed.index]


@pytest.mark.parametrize("index", [[0], [7], ["kettle"]])
def test_rows_that_come_from_no_file_are_numbered(index):
    assert row_lines(pd.DataFrame({"name": ["Lamp"]}, index=index)) == [1]


def test_text_without_special_tokens_passes():
    rows = load_split("train")
    check_special_tokens("train.jsonl", rows, ["<|im_start|>", "<|im_end|>", "</s>"])
    check_special_tokens("train.jsonl", rows, [])
    check_special_tokens("train.jsonl", rows, [""])


@pytest.fixture
def voices(tmp_path, monkeypatch):
    (tmp_path / "voices").mkdir()
    told = 'id,description\np2,"Light, at last."\np1,Tea is near.\n'
    (tmp_path / "voices" / "story.csv").write_text(told, encoding="utf-8")
    monkeypatch.setattr(products, "DATA", tmp_path)
    cells = {"name": ["Kettle", "Lamp"], "description": ["Boils water.", "Gives light."]}
    return pd.DataFrame({"id": ["p1", "p2"], **cells}, index=[7, 3])


def test_another_voice_describes_each_product_by_its_id(voices):
    told = with_voice(voices, "story")
    assert told.description.tolist() == ["Tea is near.", "Light, at last."]
    pd.testing.assert_frame_equal(told.drop(columns="description"), voices[["id", "name"]])
    assert voices.description.tolist() == ["Boils water.", "Gives light."]  # not changed in place


def test_the_factual_voice_is_the_rows_own(voices):
    assert with_voice(voices, "factual") is voices


@pytest.mark.parametrize("voice", ["tale", "Story", "../voices/story", ""])
def test_an_unknown_voice_is_refused_with_the_voices_there_are(voices, voice):
    with pytest.raises(ValueError, match="there are factual, story") as caught:
        with_voice(voices, voice)
    assert repr(voice) in str(caught.value)


def test_products_that_a_voice_does_not_describe_are_counted_and_named(voices):
    more = pd.concat([voices, voices.assign(id=["p8", "p9"])])
    with pytest.raises(ValueError, match="describes 2 products, and not 2 of these 4: p8"):
        with_voice(more, "story")


@pytest.mark.parametrize("split", ["train", "validation"])
def test_the_courses_rows_are_told_as_a_story(split):
    rows = load_split(split)
    told = with_voice(rows, "story")
    assert (told["description"] != rows["description"]).all()
    assert (told["description"].str.len() > 0).all()
