"""Sphinx's settings for `make site`: the committed pages and notebooks, none of them executed.

The source folder is the course's own, so the links between pages and notebooks hold as they
stand. What only the site needs is added while a page is read; no file is changed.
"""

import nbformat
from sphinx.application import Sphinx

project = "A course on supervised fine-tuning"
language = "en"
extensions = ["myst_nb", "sphinx_copybutton", "sphinx-mathjax-offline"]

root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "notebooks/*", "data/README.md", "data/*/README.md"]
exclude_patterns = [".*", "runs", "**/.ipynb_checkpoints", "notebooks/figures"]

nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4  # GitHub's anchors, for headings down to this level

html_theme = "sphinx_book_theme"
html_title = project
html_theme_options = {
    "home_page_in_toc": True,
    "footer_content_items": [],
    "navbar_persistent": [],  # a second search field, above the page
    "show_toc_level": 2,
    "use_download_button": False,  # a notebook needs the course's folder
}
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_favicon = "static/icon.svg"
html_static_path = ["static"]
html_css_files = ["course.css"]
html_js_files = ["search.js"]
html_additional_pages = {"index": "index.html"}
templates_path = ["templates"]
html_copy_source = False
html_show_copyright = False
html_use_index = False

PAGES = """

```{toctree}
:hidden:
:caption: The notebooks
:glob:

notebooks/[0-9]*
```

```{toctree}
:hidden:
:caption: Beside them

docs/details
notebooks/TEACHING
notebooks/class_board
data/README
data/generations/README
CHANGELOG
CONTRIBUTING
```
"""
OPEN = """\
Open it in JupyterLab ([other systems](../docs/details.md#without-make)):

```bash
make lab NOTEBOOK=%s.ipynb
```
"""


def add_to_source(app: Sphinx, page: str, source: list[str]) -> None:
    """The list of pages at the end of the first one; the command that opens it in a notebook."""
    if page == root_doc:
        source[0] += PAGES
    elif app.env.doc2path(page).suffix == ".ipynb":
        notebook = nbformat.reads(source[0], as_version=4)
        notebook.cells.insert(1, nbformat.v4.new_markdown_cell(OPEN % page))
        source[0] = nbformat.writes(notebook)


def setup(app: Sphinx) -> None:
    app.connect("source-read", add_to_source)
