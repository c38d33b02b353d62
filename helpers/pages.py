"""A page that needs no other file: plots stand in it as data, and every text is escaped."""

import base64
import html
import io
from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

_STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { border: 1px solid #ccc; padding: 0.3em 0.6em; text-align: left; vertical-align: top; }
img { max-width: 100%; }
"""


def page(title: str, blocks: Sequence[str]) -> str:
    """A whole HTML document.

    Args:
        title: plain text.
        blocks: HTML, such as the functions below return.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style></head>\n"
        f"<body>\n<h1>{html.escape(title)}</h1>\n" + "\n".join(blocks) + "\n</body>\n</html>\n"
    )


def heading(text: str) -> str:
    return f"<h2>{html.escape(text)}</h2>"


def sentences(said: Sequence[str]) -> str:
    """A list with one sentence a line."""
    return f"<ul>{''.join(f'<li>{html.escape(one)}</li>' for one in said)}</ul>"


def table(frame: pd.DataFrame) -> str:
    return frame.to_html(escape=True, border=0)


def picture(figure: Figure, alt: str) -> str:
    """The figure as a PNG inside the page.

    Args:
        alt: what it shows, for those who do not see it.
    """
    data = io.BytesIO()
    figure.savefig(data, format="png")
    encoded = base64.b64encode(data.getvalue()).decode("ascii")
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{encoded}">'


def markdown_table(frame: pd.DataFrame) -> str:
    """The frame as a table of Markdown, its index in the first column."""
    lines = [["", *map(str, frame.columns)], ["---"] * (len(frame.columns) + 1)]
    lines += [[str(name), *map(str, row)] for name, *row in frame.itertuples()]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines
    )


def markdown_list(said: Sequence[str]) -> str:
    return "\n".join(f"- {one}" for one in said)
