"""tools/slides.py: the slides are the notebooks' own outputs, and need nothing from elsewhere."""

import json
import re
import shutil
from types import SimpleNamespace

import pytest
import yaml
from bs4 import BeautifulSoup

from helpers.paths import ROOT
from tool_files import load_tool

DECKS = ["90_minutes", "half_a_day"]


@pytest.fixture(scope="module")
def slides():
    return load_tool("slides")


@pytest.fixture(scope="module")
def built(slides, tmp_path_factory):
    """The built decks' folder."""
    folder = tmp_path_factory.mktemp("slides")
    assert slides.write_source(ROOT, folder / "source") == DECKS
    slides.build(folder / "source", folder / "built", folder / "doctrees")
    return folder / "built"


@pytest.fixture
def course(tmp_path):
    """A copy of what the slides are made from."""
    for name in ("notebooks", "docs"):
        shutil.copytree(ROOT / name, tmp_path / "course" / name)
    return tmp_path / "course"


def page_of(folder, deck):
    return BeautifulSoup((folder / f"{deck}.html").read_text(encoding="utf-8"), "html.parser")


@pytest.mark.parametrize("deck", DECKS)
def test_a_deck_asks_nobody_for_anything_and_all_its_files_are_there(built, deck):
    page = page_of(built, deck)
    asked = [tag.get("src") or tag.get("href") for tag in page.find_all(["img", "script", "link"])]
    files = [name.partition("?")[0] for name in asked if name]
    assert any(name.endswith("reveal.js") for name in files)
    assert [name for name in files if not (built / name).is_file()] == []
    styles = [built / name for name in files if name.endswith(".css")]
    for style in styles:
        assert not re.search(r"url\(['\"]?(https?:)?//", style.read_text(encoding="utf-8"))


@pytest.mark.parametrize("deck", DECKS)
def test_the_notes_hold_every_prediction_of_the_plan(slides, built, deck):
    chosen = yaml.safe_load((ROOT / "docs" / "slides.yaml").read_text(encoding="utf-8"))
    teaching = (ROOT / "notebooks" / "TEACHING.md").read_text(encoding="utf-8")
    title, plan = slides.read_plan(teaching, chosen["decks"][deck]["plan"])
    page = page_of(built, deck)
    notes = " ".join(aside.get_text(" ") for aside in page.find_all("aside", class_="notes"))
    questions = [question for block in plan.values() for question in block.questions]
    assert len(questions) >= 5
    assert [question for question in questions if question not in notes] == []
    assert page.find("h1").get_text() == title
    for aside in page.find_all("aside"):
        aside.decompose()
    assert "Will the starting model stop by itself?" not in page.get_text()


def test_a_question_is_noted_again_on_the_first_slide_of_its_section(slides):
    block = slides.Block("the kettle", ["Will it stop? (1.1)", "Which bug?"])
    page = slides.block_slides("0-30", block, {"1.1": [("1.1 A", ["one"], ["read"])] * 2})
    first, second = "\n".join(page).split("### 1.1 A")[1:]
    assert "Will it stop?" in first and "Which bug?" not in first
    assert "Will it stop?" not in second and "<p>read</p>" in second


def test_a_deck_shows_the_sections_texts_tables_figures_and_code(built):
    page = page_of(built, "half_a_day")
    headings = [heading.get_text() for heading in page.find_all("h3")]
    for number in ("1.1", "2.9", "3.3", "5.9", "6.8", "7.8"):
        assert any(heading.startswith(f"{number} ") for heading in headings), number
    assert page.find("table", class_="dataframe")
    assert len(page.find_all("img")) >= 8
    assert "def change_labels" in page.get_text()
    assert not page.find("details")


def test_a_rerun_notebook_changes_its_slide(slides, course, tmp_path):
    (path,) = course.glob("notebooks/01_*.ipynb")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    (cell,) = [cell for cell in notebook["cells"] if cell["id"] == "4ce3e5d9"]
    cell["outputs"][0]["text"] = ["stopped by itself: 17 of <20>\n"]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    slides.write_source(course, tmp_path / "source")
    page = (tmp_path / "source" / "90_minutes.md").read_text(encoding="utf-8")
    assert "stopped by itself: 17 of &lt;20&gt;" in page
    assert "stopped by itself: 1 of 20" not in page


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[3c205e82]", "[ffffffff]", "1.1: 01_what_is_sft.ipynb has no cell ffffffff"),
        ("[3c205e82]", "[46fb9e04]", "1.1: cell 46fb9e04 has no output"),
        ("[3c205e82]", "[3c205e82, 46fb9e04]", "1.1: cell 46fb9e04 has no output"),
        ('"1.8": [', '"1.88": [', "01_what_is_sft.ipynb has no section 1.88"),
        ("plan: 90 minutes", "plan: A week", "no plan under '## A week'"),
        ("30-45:", "30-40:", "90_minutes: the blocks are .*30-40.*TEACHING has .*30-45"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(slides, course, tmp_path, old, new, said):
    listed = course / "docs" / "slides.yaml"
    text = listed.read_text(encoding="utf-8")
    assert old in text
    listed.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(slides.SlidesError, match=said):
        slides.write_source(course, tmp_path / "source")


def test_no_output_of_text_is_longer_than_a_slide(built):
    for deck in DECKS:
        for block in page_of(built, deck).find_all("pre"):
            rows = sum(1 + len(line) // 125 for line in block.get_text().splitlines())
            assert rows <= 30, block.get_text()[:80]


def test_a_text_loses_its_heading_its_folds_and_its_links(slides):
    cell = "## 1.1 A kettle\n\nSee [01](01_a.ipynb).\n\n### More\n\n![A kettle.](figures/k.svg)"
    cell += "\n\n<details><summary>Hint</summary>\n\nthe answer\n\n</details>"
    assert slides.text_of(cell) == "See 01.\n\n**More**\n\n![A kettle.](figures/k.svg)"


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("Coverage rises.", True),
        ("## 1.2 Next", False),
        ("### Exercise", False),
        ("<details>a</details>", False),
        ("Words:\n\n| word | means |\n|---|---|\n", False),
    ],
)
def test_notes_take_the_text_that_reads_an_output(slides, source, reads):
    cell = SimpleNamespace(cell_type="markdown", source=source)
    assert slides.is_reading(cell) is reads
    assert not slides.is_reading(SimpleNamespace(cell_type="code", source=source))
