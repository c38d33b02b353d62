"""Each notebook in JupyterLab's own page, led by a browser as a learner would lead it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page

from browsers import chromium
from notebook_files import (
    NOTEBOOKS,
    assert_open_and_then_right,
    read,
    solutions,
    write_with_solutions,
)

(TOKENIZATION,) = (path for path in NOTEBOOKS if path.name.startswith("03"))
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # all cells are in the page
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
MINUTES = 15  # for a busy machine


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


class Lab:
    """A running JupyterLab, and the folder that it shows."""

    def __init__(self, folder: Path, port: int):
        self.folder, self.address = folder, f"http://127.0.0.1:{port}"

    def ask(self, path: str) -> object:
        with urllib.request.urlopen(f"{self.address}/{path}", timeout=30) as answer:
            return json.load(answer)

    def is_idle(self, name: str) -> bool:
        """Whether the notebook has a kernel, and it waits for work."""
        sessions = [one for one in self.ask("api/sessions") if one["path"] == name]
        return [one["kernel"]["execution_state"] for one in sessions] == ["idle"]

    def stop(self, name: str) -> None:
        """End the notebook's kernel, which would keep its memory."""
        for one in self.ask("api/sessions"):
            if one["path"] == name:
                where = f"{self.address}/api/sessions/{one['id']}"
                asked = urllib.request.Request(where, method="DELETE")
                urllib.request.urlopen(asked, timeout=30).close()


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("lab")
    for name, values in SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(values), encoding="utf-8")
    places = {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
    places |= {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime"}
    environment = os.environ | {name: str(home / place) for name, place in places.items()}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "notebooks").mkdir()
    options = [f"--port={port}", "--ip=127.0.0.1", "--allow-root", "--no-browser"]
    options += ["--ServerApp.port_retries=0", "--IdentityProvider.token="]
    options += ["--ServerApp.disable_check_xsrf=True"]  # for Lab.stop
    options += [f"--ServerApp.root_dir={home / 'notebooks'}"]
    command = [sys.executable, "-m", "jupyterlab", *options]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    lab = Lab(home / "notebooks", port)
    try:
        wait_until(lambda: answers(lab), "JupyterLab has not started")
        yield lab
    finally:
        server.terminate()
        server.wait()


def answers(lab: Lab) -> bool:
    try:
        return bool(lab.ask("api"))
    except OSError:
        return False


def wait_until(is_so, complaint: str) -> None:
    end = time.monotonic() + 60 * MINUTES
    while not is_so():
        assert time.monotonic() < end, complaint
        time.sleep(0.3)


def open_in_lab(lab: Lab, browser: Browser, name: str) -> Page:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(120_000)  # milliseconds
    page.goto(f"{lab.address}/lab/tree/{name}?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    wait_until(lambda: lab.is_idle(name), f"{name} has no kernel")
    return page


def ran(lab: Lab, page: Page, name: str) -> bool:
    """Whether the saved notebook is run to its last cell, or to an error."""
    if not lab.is_idle(name):
        return False
    page.keyboard.press("Control+S")
    time.sleep(1)
    try:
        notebook = read(lab.folder / name)
    except nbformat.reader.NotJSONError:  # it is being written
        return False
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return code[-1].execution_count is not None or bool(errors(code))


def errors(code: list) -> list[str]:
    outputs = [output for cell in code for output in cell.outputs]
    return [f"{one.ename}: {one.evalue}" for one in outputs if one.output_type == "error"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_run_all_leaves_each_check_open_until_its_solution_is_run(
    lab, browser, path, gpt2_folder, tmp_path
):
    name = path.name
    write_with_solutions(path, gpt2_folder, tmp_path, lab.folder / name)
    page = open_in_lab(lab, browser, name)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    wait_until(lambda: ran(lab, page, name), f"{name} did not end")
    notebook = read(lab.folder / name)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert errors(code) == []
    assert all(cell.execution_count for cell in code)
    assert_open_and_then_right(path, notebook, tmp_path)
    if path == TOKENIZATION:
        type_solution(page, solutions(read(path))[0])
    page.close()
    lab.stop(name)


def type_solution(page: Page, solution: str) -> None:
    """Put it into the first stub, run stub and check, and wait for the check's ✓."""
    stub = page.locator(".jp-CodeCell", has_text="raise NotImplementedError").first
    stub.scroll_into_view_if_needed()
    stub.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(solution)
    page.keyboard.press("Shift+Enter")  # the next cell is the check
    page.keyboard.press("Shift+Enter")
    check = page.locator(".jp-CodeCell", has_text="checks.check_").first
    check.locator(".jp-OutputArea-output:has-text('✓ right')").wait_for()
