"""Build the slides that docs/slides.yaml describes, from the notebooks as they were last run.

Sphinx and sphinx-revealjs make one page a deck, below runs/slides/, with reveal.js beside it. The
speaker notes (key S) hold the predictions of TEACHING's plans, and the text that reads an output.
"""

import base64
import html
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import yaml
from sphinx.application import Sphinx

from helpers.paths import ROOT, RUNS

SETTINGS = {
    "project": "Supervised fine-tuning",
    "extensions": ["myst_parser", "sphinx_revealjs"],
    "master_doc": "index",
    "html_title": "Supervised fine-tuning",
    "revealjs_style_theme": "white",
    "revealjs_static_path": ["static"],
    "revealjs_css_files": ["slides.css"],
    "revealjs_script_conf": {
        "width": 1280,
        "height": 720,
        "margin": 0.03,
        "hash": True,
        "slideNumber": "c/t",
        "transition": "none",
    },
    "revealjs_script_plugins": [{"src": "revealjs/plugin/notes/notes.js", "name": "RevealNotes"}],
}
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\([^)]*\)")  # its page is not among the slides


class SlidesError(ValueError):
    """docs/slides.yaml does not fit the notebooks or TEACHING; the message says where."""


class Block(NamedTuple):
    """A row of a plan: what is done in these minutes, and the predictions to ask for."""

    what: str
    questions: list[str]


def main() -> None:
    RUNS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=RUNS) as scratch:
        source, built = Path(scratch) / "source", Path(scratch) / "slides"
        try:
            decks = write_source(ROOT, source)
        except SlidesError as error:
            sys.exit(str(error))
        build(source, built, Path(scratch) / "doctrees")
        shutil.rmtree(RUNS / "slides", ignore_errors=True)
        built.replace(RUNS / "slides")
    for name in decks:
        print(f"{RUNS / 'slides' / name}.html")


def build(source: Path, built: Path, doctrees: Path) -> None:
    app = Sphinx(
        source, None, built, doctrees, "revealjs", SETTINGS, status=None, exception_on_warning=True
    )
    app.build()


def write_source(root: Path, source: Path) -> list[str]:
    """Write the decks as Markdown, with figures and tables as files beside them.

    Returns:
        The decks' names.

    Raises:
        SlidesError: a cell, a section or a row of the plan is not where docs/slides.yaml says.
    """
    shutil.copytree(root / "notebooks" / "figures", source / "figures")
    (source / "static").mkdir()
    shutil.copy(root / "docs" / "slides.css", source / "static")
    listed = (root / "docs" / "slides.yaml").read_text(encoding="utf-8")
    chosen = yaml.load(listed, Loader=yaml.BaseLoader)  # all text: some ids look like numbers
    teaching = (root / "notebooks" / "TEACHING.md").read_text(encoding="utf-8")
    shown = {
        name: section_slides(root, name, slides, source)
        for name, slides in chosen["slides"].items()
    }
    index = ["# Supervised fine-tuning", "```{toctree}", ":hidden:", ""]
    for name, deck in chosen["decks"].items():
        title, plan = read_plan(teaching, deck["plan"])
        if list(plan) != list(deck["blocks"]):
            raise SlidesError(
                f"docs/slides.yaml, {name}: the blocks are {', '.join(deck['blocks'])}, and the "
                f"plan in TEACHING has {', '.join(plan)}."
            )
        page = [f"# {title}", "Arrows turn the pages; S opens the notes for the speaker."]
        for minutes, sections in deck["blocks"].items():
            page += block_slides(minutes, plan[minutes], {s: shown[s] for s in sections})
        (source / f"{name}.md").write_text("\n\n".join(page), encoding="utf-8")
        index.append(name)
    links = [f"- [{name.replace('_', ' ')}]({name}.md)" for name in chosen["decks"]]
    (source / "index.md").write_text("\n".join([*index, "```", "", *links]), encoding="utf-8")
    return list(chosen["decks"])


def read_plan(teaching: str, heading: str) -> tuple[str, dict[str, Block]]:
    """The heading that begins so, and the rows of its first table: minutes -> block."""
    found = re.search(rf"^## ({re.escape(heading)}.*)\n+((?:\|.*\n)+)", teaching, re.MULTILINE)
    if not found:
        raise SlidesError(f"docs/slides.yaml: TEACHING has no plan under '## {heading}'.")
    rows = [line.strip("| ").split(" | ") for line in found[2].splitlines()[2:]]
    plan = {}
    for minutes, what, *asked in rows:
        questions = re.findall(r"[^?.]+[?.](?: \([\d.]+\))?", asked[0]) if asked else []
        plan[minutes] = Block(what.strip(" |"), [plain(question) for question in questions])
    return found[1], plan


def block_slides(minutes: str, block: Block, sections: dict[str, list]) -> list[str]:
    """A slide that opens the block, and below it those of its sections."""
    page = [f"## Minutes {minutes}", LINK.sub(r"\1", block.what)]
    page.append(notes(["Ask for a prediction:" if block.questions else "", *block.questions]))
    for name, slides in sections.items():
        number = name.split()[0]
        asked = [question for question in block.questions if f"({number})" in question]
        for title, body, said in slides:
            page += [f"### {title}", *body, notes([*asked, *said])]
            asked = []
    return page


def section_slides(root: Path, name: str, slides: list[list[str]], source: Path) -> list[tuple]:
    """(title, what is shown, what is said) of each slide of a section."""
    number = name.split()[0]
    (path,) = root.glob(f"notebooks/{int(number.split('.')[0]):02}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    places = {cell["id"]: place for place, cell in enumerate(cells)}
    titles = [cell.source for cell in cells if cell.source.startswith(f"## {number} ")]
    if not titles:
        raise SlidesError(f"docs/slides.yaml: {path.name} has no section {number}.")
    title = titles[0].splitlines()[0].removeprefix("## ")
    taken = {shown.split()[-1] for slide in slides for shown in slide}
    made = []
    for slide in slides:
        body = []
        for entry in slide:
            cell_id = entry.split()[-1]
            if cell_id not in places:
                raise SlidesError(f"docs/slides.yaml, {name}: {path.name} has no cell {cell_id}.")
            cell, before = cells[places[cell_id]], len(body)
            if entry.startswith("source "):
                body.append(preformatted(cell.source))
            elif cell.cell_type == "markdown":
                body.append(text_of(cell.source))
            else:
                body += outputs_of(cell, title, source)
            if len(body) == before:
                raise SlidesError(f"docs/slides.yaml, {name}: cell {cell_id} has no output.")
        after = [cell for cell in cells[places[cell_id] + 1 :] if not is_exercise(cell)][:1]
        said = [cell.source for cell in after if is_reading(cell) and cell["id"] not in taken]
        made.append((title, body, [part for text in said for part in plain(text).split("\n\n")]))
    return made


def is_exercise(cell: Any) -> bool:
    """Whether it is a part of an exercise, which may stand between an output and its reading."""
    parts = {"exercise", "check", "solution"} & set(cell.metadata.get("tags", []))
    return bool(parts) or cell.source.startswith("### Exercise")


def is_reading(cell: Any) -> bool:
    """Whether it is a text that reads an output: no heading, no fold, no table."""
    others = ("#", "<details>", "![")
    return cell.cell_type == "markdown" and not (
        cell.source.startswith(others) or "\n|" in cell.source
    )


def text_of(markdown: str) -> str:
    """A cell of text without its section's heading, its folds and its links."""
    text = re.sub(r"<details>.*?</details>", "", markdown, flags=re.DOTALL)
    text = re.sub(r"^## .*\n", "", text)
    text = re.sub(r"^#+ (.*)", r"**\1**", text, flags=re.MULTILINE)
    return LINK.sub(r"\1", text).strip()


def outputs_of(cell: Any, title: str, source: Path) -> list[str]:
    """The stored outputs of a code cell: figures and tables as files, text as it is."""
    body = []
    for number, output in enumerate(cell.outputs):
        data, file = output.get("data", {}), source / f"{cell['id']}_{number}"
        if "image/png" in data:
            file.with_suffix(".png").write_bytes(base64.b64decode(data["image/png"]))
            body.append(f"![{title}]({file.name}.png)")
        elif "text/html" in data:
            file.with_suffix(".html").write_text(data["text/html"], encoding="utf-8")
            body.append(f"```{{raw}} html\n:file: {file.name}.html\n```")
        else:
            body.append(preformatted(output.get("text") or data["text/plain"]))
    return body


def preformatted(text: str) -> str:
    rows = sum(1 + len(line) // 95 for line in text.splitlines())  # long lines are broken
    size = "short" if rows <= 9 else "long"  # few rows leave room for larger letters
    return raw(f'<pre class="{size}"><code>{html.escape(text.rstrip())}</code></pre>')


def plain(markdown: str) -> str:
    return re.sub(r"[*`]", "", text_of(markdown))


def notes(paragraphs: list[str]) -> str:
    text = "".join(f"<p>{html.escape(' '.join(part.split()))}</p>" for part in paragraphs if part)
    return raw(f'<aside class="notes">{text}</aside>') if text else ""


def raw(code: str) -> str:
    return f"``````{{raw}} html\n{code}\n``````"


if __name__ == "__main__":
    main()
