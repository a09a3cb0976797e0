"""What mkdocs does besides laying out docs/: pages from elsewhere, links to them, formulas.

The pages of docs/ link to files beside them (`../examples/own_term.py`, `../CONTRIBUTING.md`), so
that they work where the repository is browsed. On the site those files are pages of their own.
"""

import ast
import html
import json
import logging
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent.parent
OURS = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changes.md",
        "SECURITY.md": "security.md", "CITATION.cff": "citation.md"}  # fmt: skip
LANGUAGES = {".py": "python", ".yaml": "yaml", ".cff": "yaml", ".sbatch": "bash"}
LINK = re.compile(r"(\]\()([^)\s#]*)(#[^)\s]*)?(\))")
FORMULA = re.compile(
    r"<(?P<tag>span|div) class=\"arithmatex\">\\[(\[](?P<latex>.*?)\\[)\]]</(?P=tag)>", re.DOTALL
)
FETCHED = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)=\"?https?://[^\"\s>]+")
log = logging.getLogger("mkdocs.hooks.ris_tf")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Name in the contents every cause of a failed training, and every example."""
    causes = (ROOT / "docs" / "why-training-fails" / "README.md").read_text("utf-8")
    pages = re.findall(r"^\| \[[^\]]*\]\((\S+\.md)\)", causes, re.MULTILINE)
    _add_to(config.nav, "Each cause", [f"why-training-fails/{page}" for page in pages])
    examples = [{Path(path).name: f"{path}.md"} for path in sorted(_examples())]
    _add_to(config.nav, "Examples", examples)
    return config


def _add_to(contents: list[Any], section: str, pages: list[Any]) -> None:
    """Append pages to a section of the contents, however deep it lies."""
    for entry in contents:
        for name, inside in entry.items() if isinstance(entry, dict) else ():
            if name == section:
                inside.extend(pages)
            elif isinstance(inside, list):
                _add_to(inside, section, pages)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not lie in docs/."""
    for source, uri in OURS.items():
        files.append(_page(config, uri, _own(ROOT / source)))
    examples = sorted(_examples())
    for path in examples:
        files.append(_page(config, f"{path}.md", _example(ROOT / path)))
    files.append(_page(config, "examples.md", _list_of_examples(examples)))
    files.append(_page(config, "python.md", python_reference()))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Lead links to files outside of docs/ to their pages."""
    home = posixpath.dirname(_place_in_repository(page.file.src_uri))

    def led(link: re.Match[str]) -> str:
        begin, target, anchor, end = link.groups(default="")
        if not target or ":" in target:
            return link.group()
        uri = _page_of(posixpath.normpath(posixpath.join(home, target)))
        here = posixpath.dirname(page.file.src_uri) or "."
        return f"{begin}{posixpath.relpath(uri, here)}{anchor}{end}" if uri else link.group()

    return LINK.sub(led, markdown)


def on_page_content(content: str, **_: Any) -> str:
    """Set formulas as MathML, which needs no script and no font from elsewhere."""

    def drawn(formula: re.Match[str]) -> str:
        tag = formula["tag"]
        display = "inline" if tag == "span" else "block"
        latex = html.unescape(formula["latex"]).strip()
        mathml = convert(latex, display=display)
        if ">\\" in mathml or latex.count("{") != latex.count("}"):
            log.warning("a formula that cannot be set: %s", latex)
        return f'<{tag} class="arithmatex">{mathml}</{tag}>'

    return FORMULA.sub(drawn, content)


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site that fetches anything from elsewhere when it is opened."""
    for page in sorted(Path(config.site_dir).rglob("*.html")):
        if fetched := FETCHED.search(page.read_text("utf-8")):
            raise PluginError(f"{page.name} loads from elsewhere: {fetched.group()}")


def _page(config: MkDocsConfig, uri: str, content: str) -> File:
    return File.generated(config, uri, content=content)


def _place_in_repository(uri: str) -> str:
    """Where the source of a page lies, relative to the repository."""
    for source, page in OURS.items():
        if uri == page:
            return source
    return uri.removesuffix(".md") if uri.startswith("examples/") else f"docs/{uri}"


def _page_of(place: str) -> str | None:
    """The page of a file of the repository; None where it has none."""
    if place.startswith("docs/"):
        return place.removeprefix("docs/")
    if place in OURS:
        return OURS[place]
    if place in ("README.md", "."):
        return "README.md"
    if place == "examples":
        return "examples.md"
    if place.startswith("examples/"):
        return f"{place}.md"
    log.warning("no page of the site for %s", place)
    return None


def _examples() -> Iterator[str]:
    """Files in examples/, and folders of them, by place in the repository."""
    for path in (ROOT / "examples").iterdir():
        if path.suffix in (".py", ".yaml", ".ipynb") or (path.is_dir() and path.name == "slurm"):
            yield f"examples/{path.name}"


def _own(path: Path) -> str:
    """A file beside docs/ as a page."""
    return path.read_text("utf-8") if path.suffix == ".md" else f"# Citation\n\n{_fenced(path)}"


def _example(path: Path) -> str:
    """A file, notebook or folder of examples as a page."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.is_file())
        return f"# {path.name}\n\n" + "\n".join(f"## {f.name}\n\n{_fenced(f)}" for f in files)
    if path.suffix == ".ipynb":
        return notebook(json.loads(path.read_text("utf-8")))
    return f"# {path.name}\n\n{_fenced(path)}"


def _fenced(path: Path) -> str:
    return f"````{LANGUAGES.get(path.suffix, '')}\n{path.read_text('utf-8').rstrip()}\n````\n"


def notebook(document: dict[str, Any]) -> str:
    """The text and the code of a notebook as Markdown; results are those of whoever runs it."""
    parts = []
    for cell in document["cells"]:
        source = "".join(cell["source"]).rstrip()
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
    return "\n\n".join(parts) + "\n"


def _list_of_examples(places: list[str]) -> str:
    lines = (f"- [{Path(place).name}]({place}.md): {_about(ROOT / place)}" for place in places)
    return (
        "# Examples\n\nFiles of `examples/` in the repository, which tests run.\n\n"
        + "\n".join(lines)
        + "\n"
    )


def _about(path: Path) -> str:
    """The first sentence of an example."""
    if path.is_dir():
        return "job scripts for Slurm."
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        text = ast.get_docstring(ast.parse(text)) or ""
    elif path.suffix == ".ipynb":
        first = "".join(json.loads(text)["cells"][0]["source"])
        text = first.partition("\n")[0].lstrip("# ") + "."
    else:
        text = text.lstrip("# ")
    return text.partition("\n")[0]


def python_reference() -> str:
    """The public names by subject, as the package's docstring lists them, from their docstrings."""
    package = ROOT / "ris_tf"
    table = ast.get_docstring(ast.parse((package / "__init__.py").read_text("utf-8"))) or ""
    stub = ast.parse((package / "__init__.pyi").read_text("utf-8"))
    homes = {
        alias.name: node.module
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    rows = re.findall(r"^\| ([a-z][^|]*) \| (`.*) \|$", table, re.MULTILINE)
    sections = ((subject, re.findall(r"`(\w+)`", names)) for subject, names in rows)
    parts = [PYTHON]
    for subject, names in sections:
        parts.append(f"## {subject[0].upper()}{subject[1:]}\n")
        parts += [_entry(_defined(f"{homes[name]}.{name}")) for name in names]
    parts.append("## The engine\n")
    parts += [_entry("ris_tf.engine.GuardedTrainer.fit")]
    return "\n".join(parts)


def _defined(name: str) -> str:
    """The name, after its module where that is called the same."""
    module = ROOT / f"{name.replace('.', '/')}.py"
    return f"{name}.{module.stem}" if module.exists() else name


def _entry(name: str) -> str:
    """A name, below the heading of its subject; of the configuration, which has a page, no more."""
    members = "false" if name.endswith((".Config", "Network")) else "null"
    return f"::: {name}\n    options:\n      heading_level: 3\n      members: {members}\n"


PYTHON = """# Python

`import ris_tf` has these names, and loads each when it is asked for: TensorFlow comes with the
first that computes. Shapes are in brackets; [the glossary](glossary.md) has the letters. What a
plug-in imports is in [plug-ins](plug-ins.md), every key of a configuration in
[configuration](configuration.md).

```python
import ris_tf

config = ris_tf.load_config("quickstart", ["scene.snr_db=[0,10]"])
ris_tf.train(config, run="runs/first", resume=True)
localizer = ris_tf.Localizer.load("runs/first")
```
"""
