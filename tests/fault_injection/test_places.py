"""Every place that a process is harmed at is there: most are entered in the full form only."""

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PLACE = re.compile(r'"(ris_tf[a-z_.]*):([A-Za-z_.]+)"')
PLACES = {found for file in sorted(HERE.glob("*.py")) for found in PLACE.findall(file.read_text())}


def defined(tree, owner=""):
    """What a module defines, functions and classes in classes by dotted names."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield owner + node.name
            yield from defined(node, f"{owner}{node.name}.")


@pytest.mark.parametrize("module", sorted({module for module, _ in PLACES}))
def test_functions_are_where_processes_are_harmed(root, module):
    file = root.joinpath(*module.split("."))
    file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
    wanted = {name for where, name in PLACES if where == module}
    assert wanted <= set(defined(ast.parse(file.read_text())))
