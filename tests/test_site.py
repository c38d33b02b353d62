"""The site: built as `make site` does, every link followed, and opened in a browser."""

import re
import shlex
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page

from browsers import chromium
from helpers.paths import ROOT
from notebook_files import NOTEBOOKS, read, tagged

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Built by the command of the Makefile, into another folder; a warning is an error."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (options,) = re.findall(r"\$\(BIN\)/python -m sphinx (.+) runs/site$", makefile, re.MULTILINE)
    folder = tmp_path_factory.mktemp("site") / "site"
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", *shlex.split(options)]
    done = subprocess.run([*command, str(folder)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, BeautifulSoup]:
    files = [file for file in sorted(site.rglob("*.html")) if "_static" not in file.parts]
    return {file: BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser") for file in files}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def page_of(pages: dict[Path, BeautifulSoup], notebook: Path) -> BeautifulSoup:
    (page,) = (page for file, page in pages.items() if file.stem == notebook.stem)
    return page


def references(page: BeautifulSoup) -> list[tuple[str, str]]:
    """(tag, address) of all that a page links to, shows or loads."""
    found = [(tag.name, tag[name]) for name in ("href", "src") for tag in page.select(f"[{name}]")]
    return found + [("form", form["action"]) for form in page.select("form[action]")]


def test_every_link_and_picture_leads_to_a_file_of_the_site_and_to_a_place_in_it(pages):
    places = {file: {tag["id"] for tag in page.select("[id]")} for file, page in pages.items()}
    broken = []
    for file, page in pages.items():
        for tag, address in references(page):
            parts = urlsplit(address)
            if parts.scheme in ("http", "https", "data"):
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            anchor = unquote(parts.fragment)
            if not target.is_file() or (anchor and anchor not in places[target]):
                broken.append(f"{file.name}: <{tag}> {address}")
    assert broken == []


def test_no_page_loads_anything_from_elsewhere(site, pages):
    loaded = ("img", "link", "script", "iframe", "source", "form")
    found = [
        (file.name, address)
        for file, page in pages.items()
        for tag, address in references(page)
        if tag in loaded and urlsplit(address).netloc
    ]
    assert found == []
    for sheet in site.rglob("*.css"):
        addresses = re.findall(r"url\(['\"]?([^)'\"]+)", sheet.read_text(encoding="utf-8"))
        assert not [address for address in addresses if urlsplit(address).netloc], sheet


@pytest.mark.parametrize("name", ["README", "details", "TEACHING", "data/README"])
def test_each_page_beside_the_notebooks_is_there_and_in_the_list_of_pages(site, pages, name):
    file = next(file for file in pages if file.with_suffix("").as_posix().endswith(f"/{name}"))
    index = BeautifulSoup((site / "README.html").read_text(encoding="utf-8"), "html.parser")
    listed = {(site / link["href"]).resolve() for link in index.select(".bd-sidebar a[href]")}
    assert file in listed | {site / "README.html"}


@every_notebook
def test_a_page_shows_every_cell_and_every_output_as_they_are_committed(pages, path):
    page, cells = page_of(pages, path), read(path).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    shown = [pre.get_text().strip() for pre in page.select(".cell_input pre")]
    assert shown == [cell.source.strip() for cell in code]
    mimes = Counter(mime for cell in code for out in cell.outputs for mime in out.get("data", []))
    assert len(page.select(".cell_output .text_html")) == mimes["text/html"]
    assert len(page.select(".cell_output img")) == mimes["image/png"]
    printed = [out.text.strip() for cell in code for out in cell.outputs if "text" in out]
    assert [pre.get_text().strip() for pre in page.select(".cell_output .stream pre")] == printed


@every_notebook
def test_folds_are_closed_and_hold_the_solutions(pages, path):
    folds, notebook = page_of(pages, path).select("article details"), read(path)
    markdown = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    written = "\n".join(markdown).count("<details>")
    assert len([fold for fold in folds if not fold.find_parent(class_="cell_output")]) == written
    assert not [fold for fold in folds if fold.has_attr("open")]
    solved = [fold for fold in folds if "Solution" in fold.summary.get_text()]
    assert len([fold for fold in solved if fold.pre]) >= len(tagged(notebook, "solution"))


@every_notebook
def test_the_command_that_opens_it_names_the_notebook(pages, path):
    first = page_of(pages, path).select_one("article pre").get_text()
    assert first.strip() == f"make lab NOTEBOOK=notebooks/{path.name}"


def formulas(path: Path) -> list[str]:
    markdown = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", "\n\n".join(markdown), flags=re.DOTALL)
    return re.findall(r"\$\$.+?\$\$|\$[^$\n]+\$", prose)


@every_notebook
def test_every_formula_is_known_as_one(pages, path):
    assert len(page_of(pages, path).select(".math")) == len(formulas(path))


def visit(browser: Browser, address: str) -> tuple[Page, list[str], list[str]]:
    """The page as it stands when all is loaded, what it complained of, what it asked for."""
    page = browser.new_page(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    complaints, requests = [], []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(f"not loaded: {request.url}"))
    page.on("request", lambda request: requests.append(request.url))
    page.set_default_timeout(120_000)  # milliseconds: the machine may be busy
    page.goto(address)
    return page, complaints, requests


# WCAG's formula for contrast, for each text on the ground that it stands on.
UNREADABLE = """
() => {
  const ORNAMENTS = ".headerlink, .search-button__kbd-shortcut";  // the theme's own
  const numbers = (color) => {
    const parts = color.match(/[0-9.]+/g).map(Number);
    return parts.length < 4 ? [...parts, 1] : parts;
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const ground = (element) => {
    if (!element) return [255, 255, 255];
    return over(numbers(getComputedStyle(element).backgroundColor), ground(element.parentElement));
  };
  const light = (color) => {
    const parts = color.map((c) => c / 255).map(
      (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    const text = walk.currentNode.textContent.trim();
    if (!text || !element.checkVisibility() || element.matches(ORNAMENTS)) continue;
    const below = ground(element);
    const color = over(numbers(getComputedStyle(element).color), below);
    const [dark, bright] = [light(color), light(below)].sort((a, b) => a - b);
    const ratio = (bright + 0.05) / (dark + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(1)} ${element.className} ${text.slice(0, 40)}`);
  }
  return found;
}
"""


def test_every_page_opens_without_an_error_and_asks_for_nothing_from_elsewhere(
    browser, site, pages
):
    for file in pages:
        page, complaints, requests = visit(browser, file.as_uri())
        page.wait_for_load_state("networkidle")
        assert complaints == [], file.name
        assert not [url for url in requests if not url.startswith((site.as_uri(), "data:"))]
        page.close()


def test_every_page_can_be_read_in_light_and_in_dark_and_is_no_wider_than_a_phone(browser, pages):
    for file in pages:
        page, *_ = visit(browser, file.as_uri())
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_selector(f"html[data-theme={scheme}]")
            assert page.evaluate(UNREADABLE) == [], f"{file.name}, {scheme}"
        for width in (1400, 400):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, file.name
        page.close()


@pytest.fixture
def server(site) -> Iterator[str]:
    """The address of the site on this machine, as a web server hands it out."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    handler.func.log_message = lambda *_: None
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("way", ["from the disk", "from a server"])
def test_a_search_for_label_finds_the_lesson_on_labels(browser, site, server, way):
    start = site.as_uri() if way == "from the disk" else server
    page, complaints, requests = visit(browser, f"{start}/index.html")
    page.wait_for_url("**/README.html")
    page.locator(".search-button__button:visible").first.click()
    page.keyboard.type("label")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=label*")
    page.wait_for_selector("#search-results li")
    page.wait_for_load_state("networkidle")
    found = page.locator("#search-results li a").evaluate_all("links => links.map(a => a.href)")
    assert [link for link in found if "/03_tokenization.html" in link]
    summaries = page.locator("#search-results li p.context").count()
    assert summaries > 0 if way == "from a server" else summaries == 0
    assert complaints == []
    assert not [url for url in requests if not url.startswith((start, "data:"))]
    page.close()


def test_formulas_are_drawn(browser, pages):
    with_some = [path for path in NOTEBOOKS if formulas(path)]
    assert with_some
    for path in with_some:
        (file,) = (file for file in pages if file.stem == path.stem)
        page, *_ = visit(browser, file.as_uri())
        page.wait_for_selector("mjx-container")
        assert page.locator(".math mjx-container").count() == len(formulas(path))
        assert page.locator("mjx-merror").count() == 0
        page.close()


def test_the_command_is_copied_by_the_button_beside_it(browser, pages):
    (file,) = (file for file in pages if file.stem == NOTEBOOKS[0].stem)
    page, *_ = visit(browser, file.as_uri())
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("article div.highlight").first.hover()
    page.locator("article button.copybtn").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"make lab NOTEBOOK=notebooks/{NOTEBOOKS[0].name}"
    page.close()


@every_notebook
def test_a_fold_opens_and_shows_what_it_holds(browser, pages, path):
    (file,) = (file for file in pages if file.stem == path.stem)
    page, *_ = visit(browser, file.as_uri())
    for fold in page.locator("article details").all():
        closed = fold.bounding_box()["height"]
        fold.locator("> summary").click()
        assert fold.bounding_box()["height"] > closed + 10  # pixels: a line of text at least
    page.close()
