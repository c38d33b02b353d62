"""tools/tune.py: what it takes, what it refuses, and what a waiting person sees."""

import nbformat
import pytest

from helpers.paths import DATA
from notebook_files import NOTEBOOKS, read
from tool_files import load_tool

tune = load_tool("tune")
(OWN_DATA,) = (path for path in NOTEBOOKS if path.name.startswith("13"))


def test_values_get_the_kind_of_their_parameter():
    given = tune.parameters_of(
        ["DATA=2024", "COLUMNS={title: name}", "LEARNING_RATE=1e-4", "PASSES=2", "SERVE=false"]
        + ["GGUF_TYPES=[F16]", "RUN_DIR=runs/a=b"],
        tune.usual_parameters(),
    )
    assert given == {
        "DATA": "2024", "COLUMNS": {"title": "name"}, "LEARNING_RATE": 1e-4, "PASSES": 2,
        "SERVE": False, "GGUF_TYPES": ["F16"], "RUN_DIR": "runs/a=b",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("data=my.csv", "Did you mean DATA?"),
        ("EPOCH=3", "No parameter 'EPOCH'"),
        ("my.csv", "is no NAME=VALUE; an example: DATA=my.csv"),
        ("LEARNING_RATE=fast", "LEARNING_RATE=fast can't be read. Its usual value is 0.00015"),
        ("COLUMNS={title: [", "can't be read"),
    ],
)
def test_what_can_not_be_a_parameter_ends_in_a_sentence(argument, said):
    with pytest.raises(ValueError) as refused:
        tune.parameters_of([argument], tune.usual_parameters())
    assert said in str(refused.value)


def test_a_person_sees_progress_and_doubts_and_not_the_lesson(capsys):
    shown = tune.Watched()
    shown.write("toy.csv: no column 'name'\nstep 5 of 114: loss 1.2, 3.0 min left\nKitchen|")
    shown.write("3 of 40 rows (lines 4, 5, 6) share a description")
    out = capsys.readouterr().out.splitlines()
    assert [line.split(" ")[0] for line in out] == ["step", "3"]


def test_every_line_that_is_waited_for_is_one_that_the_notebook_prints():
    code = "\n".join(cell.source for cell in read(OWN_DATA).cells if cell.cell_type == "code")
    printed = ("step {", "described {", "to train on:", "to judge by:", "matrix products in ",
               "None of the {", "No GGUF:")  # fmt: skip
    for words in printed:
        assert f'"{words}' in code, words
        assert tune.WATCHED.match(words.replace("{", "7 of 9 rows")), words


BAD = "category,title,features,color,description\nKitchen,Kettle,1.5 L,red,A red one.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["DATA={bad}"], 'COLUMNS="{title: name}"'),
        (["DATA={bad}", "COLUMNS={{title: name}}"], "it holds 1 product"),
        (["DATA={bad}", "COLUMNS=title"], "COLUMNS is 'title', and has to be a mapping"),
        (["DATA={good}", "BASE_MODEL={folder}/none"], "No model"),
        (["DATA={good}", "RUN_DIR=README.md"], "RUN_DIR is 'README.md', which is a file"),
    ],
)
def test_a_refusal_is_one_sentence_and_leaves_nothing(tmp_path, arguments, said):
    files = {"bad": tmp_path / "my.csv", "good": DATA / "products.csv", "folder": tmp_path}
    files["bad"].write_text(BAD, encoding="utf-8")
    run = tmp_path / "run"
    with pytest.raises(SystemExit) as ended:
        tune.main([f"RUN_DIR={run}", *(argument.format(**files) for argument in arguments)])
    assert said in str(ended.value)
    assert not run.exists()


def test_before_anything_is_fetched_it_says_what_the_counts_see(capsys):
    tune.look({"DATA": str(DATA / "products.csv"), "COLUMNS": {}})
    out = capsys.readouterr().out
    assert out.startswith("products.csv: ") and "reaches a full score" in out


def test_a_proposed_mapping_can_be_copied_behind_make_tune(tmp_path):
    proposed = """my.csv: no column 'name'. map them: -y "COLUMNS: {title: name, 'a b': color}"."""
    error = tune.PapermillExecutionError(0, 3, "x", "ProductFileError", proposed, "")
    said = tune.sentence_of(error, tmp_path / "none.ipynb", tmp_path)
    assert said == """my.csv: no column 'name'. map them: COLUMNS="{title: name, 'a b': color}"."""


def test_another_fault_keeps_the_notebook_that_shows_it(tmp_path):
    executed = tmp_path / "executed.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), executed)
    error = tune.PapermillExecutionError(0, 3, "x", "KeyError", "'added'", "")
    said = tune.sentence_of(error, executed, tmp_path / "run")
    assert said.startswith("The run has stopped: KeyError: 'added'")
    assert (tmp_path / "run" / "stopped_13_your_own_data.ipynb").exists()
    ours = tune.PapermillExecutionError(0, 3, "x", "AssertionError", "F32 differs", "")
    assert "The whole story: " in tune.sentence_of(ours, executed, tmp_path / "run")
    full = tune.PapermillExecutionError(
        0, 3, "x", "OSError", "[Errno 28] No space left on device", ""
    )
    assert tune.sentence_of(full, executed, tmp_path / "other").startswith("The disk is full")
    assert not (tmp_path / "other").exists()
