"""helpers/product_*.py: each kind of file that people bring, read as meant or refused by name."""

import io
import json
import re
from pathlib import Path

import openpyxl
import pytest
import yaml

from helpers import product_files
from helpers.paths import ROOT
from helpers.product_cells import LONGEST_CELL
from helpers.products import COLUMNS, ProductFileError, read_new_products, read_products

HEADER = "category,name,features,color,description\n"
KETTLE = 'Kitchen,Kettle,"1.7 L, fast boil",green,Boils water.\n'
LAMP = 'Home,Lamp,"dimmer, USB port",white,Gives light.\n'
KETTLE_ROW = dict(
    zip(COLUMNS, ["Kitchen", "Kettle", "1.7 L, fast boil", "green", "Boils water."], strict=True)
)


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path: Path, read=read_products, **options) -> str:
    """The message, without the folder."""
    with pytest.raises(ProductFileError) as caught:
        read(path, **options)
    message = str(caught.value)
    assert len(message) < 500
    return message.replace(f"{path.parent}/", "")


def object_line(**changes: object) -> str:
    return json.dumps(KETTLE_ROW | changes) + "\n"


def sheet(*rows: list, data_type: str = "") -> bytes:
    """A workbook; `data_type` is put on the last cell."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if data_type:
        book.active.cell(len(rows), len(rows[-1])).data_type = data_type
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


# One test for each kind of file in the list that the course was hardened against.


def test_other_names_of_columns_are_proposed_and_then_read(tmp_path):
    header = HEADER.replace("name", "title").replace("color", "colour")
    path = write(tmp_path, "a.csv", "sku," + header + "A1," + KETTLE)
    columns = {"title": "name", "colour": "color"}
    assert refusal(path) == (
        "a.csv: no column 'name', 'color'; found 'sku', 'category', 'title', 'features', 'colour', "
        "'description'. Rename them, or map them: -y \"COLUMNS: {title: name, colour: color}\" (in "
        "Python: columns={...})."
    )
    assert read_products(path, columns).to_dict("records") == [{"sku": "A1", **KETTLE_ROW}]


def test_a_cell_beyond_any_text_is_named_with_its_length(tmp_path):
    path = write(tmp_path, "a.csv", HEADER + KETTLE + LAMP.replace("Gives", "x" * 144_000))
    assert refusal(path) == (
        "a.csv, row 2 (line 3), column 'description': the cell has 144,007 characters, and at most "
        "100,000 are read. Shorten it."
    )


def test_the_longest_cell_is_read(tmp_path):
    path = write(tmp_path, "a.csv", HEADER + KETTLE.replace("Boils water.", "x" * LONGEST_CELL))
    assert read_products(path)["description"].str.len().tolist() == [LONGEST_CELL]


def test_an_array_over_many_lines_is_read_with_the_line_of_each_item(tmp_path):
    path = write(tmp_path, "a.json", json.dumps([KETTLE_ROW, KETTLE_ROW], indent=2))
    rows = read_products(path)
    assert rows.to_dict("records") == [KETTLE_ROW, KETTLE_ROW]
    assert rows.attrs["lines"] == [2, 9]


def test_half_an_emoji_is_refused(tmp_path):
    path = write(tmp_path, "a.jsonl", object_line(description="Cosy mug \ud83d"))
    assert refusal(path) == (
        r"a.jsonl, row 1, column 'description': it holds '\ud83d', which is no character. "
        "Delete it."
    )


def test_a_key_twice_in_an_object_is_refused_as_in_a_csv(tmp_path):
    line = object_line().replace('"color"', '"features": "dimmer", "color"')
    assert refusal(write(tmp_path, "a.jsonl", object_line() + line)) == (
        "a.jsonl, row 2, column 'features': the column stands there twice. Delete or rename one."
    )


def test_null_is_no_value_and_nobody_is_told_to_quote_it(tmp_path):
    path = write(tmp_path, "a.jsonl", object_line() + object_line(color=None))
    assert refusal(path) == (
        "a.jsonl, row 2, column 'color': null is not text: there is no value. Fill it in or delete "
        "the row."
    )


def test_features_in_a_list_are_joined(tmp_path):
    path = write(tmp_path, "a.jsonl", object_line(features=[" 1.7 L", "fast boil ", ""]))
    assert read_products(path).to_dict("records") == [KETTLE_ROW]


@pytest.mark.parametrize("features", [[], [""], [["a"]], [None], {"a": "b"}, True])
def test_features_that_are_no_list_of_text_are_refused(tmp_path, features):
    path = write(tmp_path, "a.jsonl", object_line(features=features))
    assert "row 1, column 'features': " in refusal(path)


def test_nameless_empty_columns_of_a_spreadsheet_are_dropped(tmp_path):
    rows = [line.strip() + ",,,\n" for line in (HEADER, KETTLE)]
    path = write(tmp_path, "a.csv", "".join(rows))
    assert read_products(path).to_dict("records") == [KETTLE_ROW]


@pytest.mark.parametrize("mark", [";", "\t", "|"])
@pytest.mark.parametrize("hint", [False, True])
def test_a_file_whose_cells_are_separated_by_another_mark_is_read(tmp_path, mark, hint):
    header = HEADER.replace(",", mark)
    row = f'Kitchen{mark} "Kettle"{mark}1.7 L, fast boil{mark}green{mark}"Boils{mark}water."\r\n'
    content = f"\ufeffsep={mark}\r\n" * hint + header + "\n" + row
    rows = read_products(write(tmp_path, "a.csv", content))
    assert rows.to_dict("records") == [KETTLE_ROW | {"description": f"Boils{mark}water."}]
    assert rows.attrs["lines"] == [4 if hint else 3]


def test_a_row_that_is_separated_otherwise_than_its_header_is_refused(tmp_path):
    assert refusal(write(tmp_path, "a.csv", HEADER.replace(",", ";") + KETTLE)) == (
        "a.csv, row 1 (line 2): it has 1 cell, fewer than the header's 5. Add what is missing; a "
        "cell of several lines needs double quotes."
    )
    content = HEADER.replace(",", ";") + "Kitchen;Kettle;dimmer;USB port;green;Boils water.\n"
    assert (
        "(line 2): it has 6 cells, more than the header's 5. Put a cell that contains a semi"
        in (refusal(write(tmp_path, "a.csv", content)))
    )


def test_rows_that_a_stray_quote_joins_are_refused_between_semicolons_too(tmp_path):
    lamp = 'Home;Lamp;dimmer;red;"A lamp.\nHome;Bulb;dimmer;red;A bulb."\n'
    message = refusal(write(tmp_path, "a.csv", HEADER.replace(",", ";") + lamp))
    assert "row 1 (line 2), column 'description': the cell holds whole rows of the file" in message


def test_rows_that_a_stray_quote_joins_are_refused_where_a_blank_follows_each_comma(tmp_path):
    lamp = 'Home, Lamp, dim, red, "A lamp.\nHome, Bulb, dim, red, A bulb."\n'
    message = refusal(write(tmp_path, "a.csv", HEADER.replace(",", ", ") + lamp))
    assert "row 1 (line 2), column 'description': the cell holds whole rows of the file" in message


def test_marks_within_quotes_of_the_header_do_not_count(tmp_path):
    header = HEADER.replace("\n", ',"size;weight;depth;height;width;price"\n')
    path = write(tmp_path, "a.csv", header + KETTLE.replace(".\n", ".,1\n"))
    assert read_products(path)[COLUMNS].to_dict("records") == [KETTLE_ROW]


def test_lines_in_double_quotes_as_a_whole_are_refused_for_that(tmp_path):
    content = "".join(f'"{line}"\n' for line in (HEADER.strip(), "a,b,c,d,e"))
    assert refusal(write(tmp_path, "a.csv", content)).endswith(
        "The first line stands in double quotes as a whole: take them off each line."
    )


@pytest.mark.parametrize("content", [json.dumps([KETTLE_ROW]), "\n" + json.dumps(KETTLE_ROW)])
def test_json_under_another_ending_is_read_as_json(tmp_path, content):
    path = write(tmp_path, "a.txt", content)
    assert read_products(path).to_dict("records") == [KETTLE_ROW]


def test_a_cell_below_no_name_is_refused(tmp_path):
    rows = [HEADER.strip() + ",,\n", KETTLE.replace('"', "").strip() + ",\n"]
    assert refusal(write(tmp_path, "a.csv", "".join(rows))) == (
        "a.csv, row 1 (line 2): it has 7 cells, more than the header's 5. Put a cell that contains "
        "a comma in double quotes."
    )


def test_a_blank_before_or_behind_quotes_is_no_text(tmp_path):
    line = 'Kitchen, "Kettle", "1.7 L, fast boil" ,"green"\t,"Boils water." \n'
    path = write(tmp_path, "a.csv", HEADER + line)
    assert read_products(path).to_dict("records") == [KETTLE_ROW]


def test_blanks_in_the_header_are_stripped(tmp_path):
    path = write(tmp_path, "a.csv", HEADER.replace(",", ", ") + KETTLE)
    assert read_products(path).to_dict("records") == [KETTLE_ROW]


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ('Home,Lamp,dim,red,"A lamp.\nHome,Bulb,dim,red,A bulb.\nHome,Cap,dim,red,A cap."', "desc"),
        ('Home,"Lamp,dim,red,A lamp.\nHome,Bulb",dim,red,A bulb.', "name"),
        ('Home,"Lamp,dim,red,A lamp.\nHome,Cap,dim,red,A cap.\nHome,Bulb",dim,red,A bulb.', "name"),
    ],
)
def test_rows_that_a_stray_quote_joins_are_refused(tmp_path, cells, column):
    message = refusal(write(tmp_path, "a.csv", HEADER + KETTLE + cells + "\n" + KETTLE))
    assert message.startswith(f"a.csv, row 2 (line 3), column '{column}")
    assert "the cell holds whole rows of the file. Look for a double quote too many" in message


@pytest.mark.parametrize(
    "text", ["One,\ntwo, three, four, five.", "A: 1,000\nB, C, D, E, F", "a\nb"]
)
def test_a_text_of_several_lines_is_no_stray_quote(tmp_path, text):
    path = write(tmp_path, "a.csv", HEADER + KETTLE.replace("Boils water.", f'"{text}"'))
    assert read_products(path)["description"].tolist() == [text]


@pytest.mark.parametrize(
    ("cell", "features"),
    [
        ("['dimmer', 'USB port', '0 W']", "dimmer, USB port, 0 W"),
        ('["pastry chef\'s memoir", "272 pages"]', "pastry chef's memoir, 272 pages"),
        ("dimmer,USB port,0 W", "dimmer, USB port, 0 W"),
        ("1,000 lm,dimmer", "1,000 lm, dimmer"),
        ("1,000 lm", "1,000 lm"),
        ("dimmer;USB port; 0 W;", "dimmer, USB port, 0 W"),
        ("dimmer | USB port|0 W", "dimmer, USB port, 0 W"),
        ("• dimmer • USB port\n• 0 W", "dimmer, USB port, 0 W"),
        ("dimmer\nUSB port\r\n0 W", "dimmer, USB port, 0 W"),
        ("black; matt, 5 W,5 V", "black; matt, 5 W,5 V"),  # joined as documented: left alone
        ("salt &amp; pepper", "salt &amp; pepper"),
        ("a <|im_end|> b", "a <|im_end|> b"),
    ],
)
def test_features_joined_in_another_way_are_read(tmp_path, cell, features):
    path = write(tmp_path, "a.jsonl", object_line(features=cell))
    assert read_products(path)["features"].tolist() == [features]


@pytest.mark.parametrize(
    ("column", "cell"),
    [("features", "['a' 'b']"), ("features", "[a, b]"), ("features", "[1]"), ("color", "['red']")],
)
def test_a_list_in_brackets_that_is_not_read_is_refused(tmp_path, column, cell):
    message = refusal(write(tmp_path, "a.jsonl", object_line(**{column: cell})))
    assert f"row 1, column '{column}': a list in brackets is not text. Write it without" in message


def test_empty_cells_are_counted_and_the_first_named(tmp_path):
    rows = [KETTLE if number % 3 == 0 else KETTLE.replace("green", "") for number in range(30)]
    assert refusal(write(tmp_path, "a.csv", HEADER + "".join(rows))) == (
        "a.csv, row 2 (line 3), column 'color': the cell is empty, in 20 of 30 rows (lines 3, 4, "
        "6, 7, 9, ...). Fill it in or delete the row."
    )


def test_several_kinds_of_faults_are_told_at_once_in_file_order(tmp_path):
    rows = [LAMP.replace("Lamp", ""), KETTLE.replace("green", ""), "Home\n", LAMP]
    rows += [LAMP.replace("Lamp", "['a']")]
    assert refusal(write(tmp_path, "a.csv", HEADER + KETTLE + "".join(rows))) == (
        "a.csv, row 2 (line 3), column 'name': the cell is empty. Fill it in or delete the row. "
        "Also row 3 (line 4), column 'color': the cell is empty. "
        "Also row 4 (line 5): it has 1 cell, fewer than the header's 5. Add what is missing; a "
        "cell of several lines needs double quotes. "
        "Also row 6 (line 7), column 'name': a list in brackets is not text. Write it without "
        "brackets and quotes."
    )


def test_kinds_that_do_not_fit_are_counted(tmp_path):
    bad = [{}, {"color": None}, {"name": True}, {"color": ["a"]}, {"features": {}}, {"color": "\0"}]
    lines = [object_line(**changes) for changes in bad] + ["x\n", object_line(name="")]
    message = refusal(write(tmp_path, "a.jsonl", "".join(lines)))
    told = message.count(": ") - message.count("text: ")
    assert message.endswith(f" {7 - told} more kinds of faults follow.")
    assert told >= 3


def test_blank_lines_count_in_the_line_and_not_in_the_row(tmp_path):
    path = write(tmp_path, "a.csv", HEADER + KETTLE + "\n\n\n" + LAMP.replace("white", ""))
    assert refusal(path).startswith("a.csv, row 2 (line 6), column 'color': the cell is empty.")


@pytest.mark.parametrize("read", [read_products, read_new_products])
@pytest.mark.parametrize("word", ["None", "NA", "N/A", "null", "nan", "#N/A"])
def test_words_that_a_library_takes_for_no_value_are_words_in_training_and_use(
    tmp_path, read, word
):
    path = write(tmp_path, "a.csv", HEADER + KETTLE.replace("green", word))
    assert read(path)["color"].tolist() == [word]


def test_a_file_joined_from_two_is_refused_for_its_second_header(tmp_path):
    whole = "\ufeff" + HEADER + KETTLE
    assert refusal(write(tmp_path, "a.csv", whole + whole)) == (
        "a.csv, row 2 (line 3): the header stands there again. Delete this line."
    )
    other = ",".join(COLUMNS[::-1]).upper() + "\n"
    message = refusal(write(tmp_path, "a.csv", whole + other + KETTLE))
    assert message == "a.csv, row 2 (line 3): the header stands there again. Delete this line."


def test_a_huge_value_in_a_column_that_nobody_needs_is_left_out(tmp_path):
    images = [{"uri": "data:image/png;base64," + "QUJD" * 50_000}]
    extra = {"images": images, "weight": 2, "half": "\ud83d", "\udc00": "x"}
    path = write(tmp_path, "a.jsonl", object_line(**extra))
    assert read_products(path).to_dict("records") == [KETTLE_ROW | {"weight": "2"}]
    path = write(tmp_path, "a.jsonl", object_line(images=images, color={"a": images}))
    assert refusal(path) == (
        "a.jsonl, row 1, column 'color': an object is not text. Write in words what the model "
        "should read there."
    )


def test_a_blank_family_is_unknown_and_no_fault(tmp_path):
    path = write(tmp_path, "a.jsonl", object_line(family="kettle") + object_line(family=None))
    assert read_products(path)["family"].tolist() == ["kettle", ""]
    path = write(tmp_path, "a.jsonl", object_line(family=["kettle"]))
    assert "row 1, column 'family': a list is not text" in refusal(path)


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write(tmp_path, "a.csv", HEADER + KETTLE)
    assert read_products("~/a.csv").to_dict("records") == [KETTLE_ROW]


# JSON that can't be read


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[", "line 1: not readable as JSON from character 2 on."),
        ("[" + object_line(), "row 2: a comma or the array's closing bracket is missing."),
        ("[\n" + object_line() + object_line() + "]", "row 2 (line 3): a comma or the array's"),
        ("[" + object_line() + "]\n[]", "row 2 (line 2): text follows the array's closing"),
        ("[\n" + object_line() + ",\n{'a': 1}]", "row 2 (line 4): not readable as JSON from ch"),
        ("[1]", "row 1: not a JSON object (curly brackets)."),
        ('{"a": ' + "[" * 100_000, "row 1: its brackets are nested too deeply to be read."),
        ('{"a": 1} x', "row 1: not readable as JSON from character 9 on."),
    ],
)
def test_broken_json_is_named_by_its_place(tmp_path, content, expected):
    message = refusal(write(tmp_path, "a.json", content))
    place, _, what = expected.partition(": ")
    assert what in message


def test_an_array_without_products_has_no_rows(tmp_path):
    assert refusal(write(tmp_path, "a.json", "[ ]")).startswith("a.json: there are no rows.")


def test_objects_without_columns_lack_all(tmp_path):
    assert refusal(write(tmp_path, "a.json", "{}")) == (
        "a.json: no column 'category', 'name', 'features', 'color', 'description'; found none. The "
        "columns category, name, features, color, description are needed, as names in each object."
    )


# Spreadsheets


def test_a_sheet_is_read_as_its_csv_would_be(tmp_path):
    rows = [[" category", *COLUMNS[1:], "price", None], [], list(KETTLE_ROW.values())]
    rows[2][1:4] = [1984, "1.7 L; fast boil", 1.5]
    path = write(tmp_path, "a.xlsx", sheet(*rows[:2], [*rows[2], 20.25]))
    rows = read_products(path)
    expected = KETTLE_ROW | {"name": "1984", "color": "1.5", "price": "20.25"}
    assert rows.to_dict("records") == [expected]
    assert rows.attrs["lines"] == [3]


@pytest.mark.parametrize(
    ("cell", "data_type", "what"),
    [
        (None, "", "the cell is empty"),
        (True, "", "true is not text"),
        ("#N/A", "e", "a spreadsheet's error (#N/A) is not text"),
        ("=1+1", "", "the cell is empty"),  # a formula that no program has computed
    ],
)
def test_a_cell_of_a_sheet_without_text_is_named_by_the_sheets_line(
    tmp_path, cell, data_type, what
):
    last = [*list(KETTLE_ROW.values())[:4], cell]
    path = write(tmp_path, "a.xlsx", sheet(COLUMNS, [], last, data_type=data_type))
    assert refusal(path).startswith(f"a.xlsx, row 1 (line 3), column 'description': {what}. ")


def test_a_cell_of_a_sheet_beside_the_named_columns_is_refused_without_words_on_commas(tmp_path):
    path = write(tmp_path, "a.xlsx", sheet(COLUMNS, [*KETTLE_ROW.values(), None, "a note"]))
    assert refusal(path) == (
        "a.xlsx, row 1 (line 2): a cell is filled behind the last column that has a name. Name its "
        "column, or empty it."
    )


def test_a_cell_of_a_sheet_may_hold_several_lines(tmp_path):
    text = "One,a,b,c,d\nTwo,a,b,c,d"
    path = write(tmp_path, "a.xlsx", sheet(COLUMNS, [*list(KETTLE_ROW.values())[:4], text]))
    assert read_products(path)["description"].tolist() == [text]


def test_the_first_sheet_is_read_and_an_empty_one_refused(tmp_path):
    assert refusal(write(tmp_path, "a.xlsx", sheet())) == "a.xlsx: the file is empty."
    path = write(tmp_path, "a.xlsx", sheet(COLUMNS))
    assert refusal(path).startswith("a.xlsx: there are no rows.")
    path = write(tmp_path, "a.xlsx", sheet(["Our products"], COLUMNS))
    assert refusal(path).endswith(" are needed, named in the first line of the first sheet.")


@pytest.mark.parametrize("content", [HEADER + KETTLE, b"PK\x03\x04", b"\xd0\xcf\x11\xe0" * 100])
def test_what_is_no_sheet_is_refused_without_a_librarys_words(tmp_path, content):
    assert refusal(write(tmp_path, "a.xlsx", content)) == (
        "a.xlsx: this can't be read as a spreadsheet (.xlsx). Open it in a spreadsheet program and "
        "save it again, as .xlsx without a password or as CSV (UTF-8)."
    )


# The columns argument, and the rows for use


def test_products_without_a_description_are_read_for_use_alone(tmp_path):
    header = HEADER.replace(",description", "")
    content = header + KETTLE.replace(",Boils water.", "").replace("1.7 L, fast boil", "1.7 L;red")
    path = write(tmp_path, "a.csv", content)
    assert read_new_products(path)["features"].tolist() == ["1.7 L, red"]
    assert "no column 'description'" in refusal(path)
    path = write(tmp_path, "b.csv", HEADER + KETTLE.replace("Boils water.", ""))
    assert read_new_products(path)["description"].tolist() == [""]
    path = write(tmp_path, "c.csv", HEADER + KETTLE.replace("green", ""))
    assert "column 'color': the cell is empty" in refusal(path, read_new_products)


def test_the_readmes_loop_reads_new_products_as_the_training_was_read(tmp_path, monkeypatch):
    block = (ROOT / "README.md").read_text(encoding="utf-8").split("```python")[1].split("```")[0]
    lines = [line for line in block.splitlines() if re.match("products = |.* read_new_", line)]
    header = HEADER.replace(",description", "")
    content = header + "Home,None,NA,N/A\n" + 'Home, "Lamp",nan,null\n'
    write(tmp_path, "new.csv", content)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec("\n".join(lines), names)
    cells = names["products"][COLUMNS[:-1]].to_numpy().tolist()
    assert cells == [["Home", "None", "NA", "N/A"], ["Home", "Lamp", "nan", "null"]]


HOW = " Write the file's name first, then the course's: {title: name, colour: color}."


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {"titel": "name"},
            "maps 'titel', and the file has 'category', 'name', 'features', 'color', "
            "'description'. Write a name as it stands in the file.",
        ),
        (
            {"name": "title"},
            "maps a column to 'title', and the course has category, name, features, color, "
            "description, family." + HOW,
        ),
        (
            {"name": None},
            "maps a column to 'None', and the course has category, name, features, color, ",
        ),
        ({"name": "color", "color": "color"}, "maps two columns to 'color'. Keep one of them."),
        ({1984: "name"}, "maps '1984', and the file has "),
        ("{title: name}", "is '{title: name}', and no mapping." + HOW),
        (["title"], "is \"['title']\", and no mapping." + HOW),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(tmp_path, columns, expected):
    path = write(tmp_path, "a.csv", HEADER + KETTLE)
    message = refusal(path, columns=columns)
    assert message.startswith(f"a.csv: COLUMNS {expected}")


def test_a_column_whose_name_is_given_to_another_is_left_out(tmp_path):
    path = write(tmp_path, "a.csv", "title," + HEADER + "Aro," + KETTLE)
    rows = read_products(path, {"title": "name"})
    assert rows.to_dict("records") == [KETTLE_ROW | {"name": "Aro"}]


def test_the_mapping_of_the_training_serves_products_without_a_description(tmp_path):
    header = HEADER.replace("name", "title").replace(",description", "")
    path = write(tmp_path, "a.csv", header + KETTLE.replace(",Boils water.", ""))
    columns = {"title": "name", "body": "description"}
    assert read_new_products(path, columns)["name"].tolist() == ["Kettle"]
    assert "COLUMNS maps 'body', and the file has" in refusal(path, columns=columns)


def test_columns_may_change_places(tmp_path):
    path = write(tmp_path, "a.csv", HEADER + KETTLE)
    row = read_products(path, {"color": "name", "name": "color"}).iloc[0]
    assert (row["name"], row["color"]) == ("green", "Kettle")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Category", "category"),
        ("Product Type", "category"),
        ("product_title", "name"),
        ("Colour", "color"),
        ("colour_name", "color"),
        ("Attributes", "features"),
        ("Body (HTML)", "description"),
        ("Merkmale", "features"),
        ("desciption", "description"),
    ],
)
def test_a_name_that_may_be_meant_is_proposed(tmp_path, theirs, ours):
    path = write(tmp_path, "a.csv", HEADER.replace(ours, theirs) + KETTLE)
    assert f'-y "COLUMNS: {{{theirs}: {ours}}}" (in Python' in refusal(path)


@pytest.mark.parametrize("name", ["color:", "'color'", "#color", "color ?", "- color", "COLOR"])
def test_a_proposed_mapping_is_yaml_that_the_reader_takes(tmp_path, name):
    content = json.dumps({name if key == "color" else key: KETTLE_ROW[key] for key in COLUMNS})
    path = write(tmp_path, "a.jsonl", content)
    proposed = yaml.safe_load(re.search('-y "(.*?)"', refusal(path))[1])
    assert proposed == {"COLUMNS": {name: "color"}}
    assert read_products(path, proposed["COLUMNS"])["color"].tolist() == ["green"]


@pytest.mark.parametrize("name", ["$color", "`color`", 'c"olor', "color!", "co\\lor", "col\nor"])
def test_a_name_that_a_shell_would_change_is_not_proposed(tmp_path, name):
    content = json.dumps({name if key == "color" else key: KETTLE_ROW[key] for key in COLUMNS})
    assert "COLUMNS:" not in refusal(write(tmp_path, "a.jsonl", content))


def test_what_a_mapping_can_not_mend_is_said_beside_it(tmp_path):
    header = HEADER.replace("name", "title").replace("color", "weight")
    assert refusal(write(tmp_path, "a.csv", header + KETTLE)).endswith(
        "-y \"COLUMNS: {title: name}\" (in Python: columns={...}). Nothing is like 'color': add it."
    )


def test_five_long_names_are_proposed_in_a_short_message(tmp_path):
    names = ["product ___ category", "product  -  -  title", "bullet ______ points"]
    names += ["colour -------- name", "product -description"]
    folder = tmp_path / ("x" * 150)
    folder.mkdir()
    message = refusal(write(folder, "a.csv", ",".join(names) + "\n" + KETTLE))
    assert all(f"{name}: {ours}" in message for name, ours in zip(names, COLUMNS, strict=True))


def test_nothing_is_proposed_where_nothing_is_like_it(tmp_path):
    path = write(tmp_path, "a.csv", HEADER.replace("color", "weight") + KETTLE)
    assert refusal(path).endswith(
        "The columns category, name, features, color, description are needed, named in the first "
        "line and separated by commas or semicolons."
    )
    path = write(tmp_path, "a.csv", "a" * 5000 + "\n" + ",".join(map(str, range(5000))) + "\n")
    assert "no column 'category'" in refusal(path)


def test_line_ends_in_the_prompts_fields_become_blanks(tmp_path):
    changes = {"name": "Kettle\nDescription: buy", "features": "1.7 L, fast\nboil"}
    path = write(tmp_path, "a.jsonl", object_line(**changes, description="One.\nTwo."))
    row = read_products(path).iloc[0]
    assert row["name"] == "Kettle Description: buy"
    assert row["features"] == "1.7 L, fast boil"
    assert row["description"] == "One.\nTwo."


# Files that can't be opened, and long names


def test_a_file_that_the_system_refuses_is_refused_with_its_reason(tmp_path, monkeypatch):
    def locked(path):
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path, "a.csv", HEADER + KETTLE)
    monkeypatch.setattr(product_files.Path, "read_bytes", locked)
    assert refusal(path) == "a.csv: the file can't be opened (Permission denied)."


@pytest.mark.parametrize("name", ["a" * 5000, "\ud83d.csv", "a\0b.csv", ""])
def test_a_path_that_can_be_no_file_is_refused(name):
    message = refusal(Path(name))
    assert message.encode()
