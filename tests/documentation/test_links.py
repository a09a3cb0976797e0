"""Links, names and contents of the documentation lead somewhere; no network is asked."""

import ast
import re
from pathlib import Path

import pytest
from pages import INLINE, anchors, links, pages, prose

ROOT = Path(__file__).parent.parent.parent
PAGES = pages(ROOT)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_anchors_resolve(page):
    for link in links(page.read_text("utf-8")):
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), f"{name_of(page)}: {link}"
        assert target.is_relative_to(ROOT), f"{name_of(page)}: {link} leads out of the repository"
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), f"{name_of(page)}: {link}"


def test_headings_have_the_anchors_that_repository_browsers_give_them():
    text = (
        "# A `code`, (and) `kind: b`\n## Two words\n## Two words\n```\n# none\n```\n## [a](b.md) π"
    )
    assert anchors(text) == {"a-code-and-kind-b", "two-words", "two-words-1", "a-π"}


def test_every_page_is_reached_from_the_first():
    """From docs/README.md, by links alone."""
    reached, waiting = set(), [ROOT / "docs" / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        targets = (page.parent / link.partition("#")[0] for link in links(page.read_text("utf-8")))
        waiting += [path.resolve() for path in targets if path.suffix == ".md"]
    assert {name_of(page) for page in PAGES} - {name_of(page) for page in reached} <= {"README.md"}


def test_the_site_has_every_page():
    contents = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2]
    listed = set(re.findall(r"(\S+\.md)$", contents, re.MULTILINE))
    written = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").glob("*.md")}
    assert written <= listed, written - listed
    made = {"contributing.md", "changes.md", "security.md", "citation.md", "examples.md"}
    assert listed - written - made == {"python.md", "why-training-fails/README.md"}


def test_every_image_is_shown_somewhere():
    shown = {
        (page.parent / link).resolve() for page in PAGES for link in links(page.read_text("utf-8"))
    }
    themes = re.compile(r"-(light|dark)\.\w+$")  # a picture of the other theme stands for both
    shown = {themes.sub("", str(path)) for path in shown}
    for image in (ROOT / "docs" / "images").rglob("*.*"):
        assert themes.sub("", str(image)) in shown, image.name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_names_of_the_code_are_there(page):
    """Modules, functions and files that the running text names."""
    for code in INLINE.findall(prose(page.read_text("utf-8"))):
        if re.fullmatch(r"ris_tf(\.\w+)+", code):
            assert _defined(code), f"{name_of(page)}: {code}"
        if re.fullmatch(r"(ris_tf|gui|configs|examples|tests|tools|benchmarks)/[\w/.-]*", code):
            assert (ROOT / code).exists(), f"{name_of(page)}: {code}"


def _defined(name: str) -> bool:
    """Whether a dotted name is a package, a module or what one defines, without importing it."""
    module, _, attribute = name.rpartition(".")
    as_package = ROOT / name.replace(".", "/")
    if as_package.is_dir() or as_package.with_suffix(".py").exists():
        return True
    folder = ROOT / module.replace(".", "/")
    if module == "ris_tf":
        source = folder / "__init__.pyi"
    else:
        source = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    return source.exists() and attribute in _names_of(ast.parse(source.read_text("utf-8")))


def _names_of(module: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name):
            names.add(node.id)
    return names
