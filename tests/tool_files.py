"""A script of tools/ as a module, so that its functions can be tested."""

import importlib.util
from pathlib import Path
from types import ModuleType

from helpers.paths import ROOT


def load_tool(name: str, root: Path = ROOT) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, root / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
