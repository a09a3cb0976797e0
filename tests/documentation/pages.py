"""The pages of the documentation, taken apart: links, headings, commands."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

FENCE = re.compile(r"^( *)(`{3,})(\w*)[^\n]*\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+?) *$", re.MULTILINE)
PROGRAM = re.compile(r"(ris-tf|ris-gui|python|make|pip|source|sbatch)(?= |$)")


def pages(root: Path) -> list[Path]:
    """Every page for people: those beside the code, and all of docs/."""
    return [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", text)


def links(text: str) -> list[str]:
    """Targets of the links and pictures of a page that lead to other files of the repository."""
    found = LINK.findall(INLINE.sub("", prose(text)))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(text: str) -> set[str]:
    """Anchors of a page's headings, as repository browsers and the site make them."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", prose(text))
    slugs: set[str] = set()
    for heading in HEADING.findall(plain):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        again = sum(1 for other in slugs if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", other))
        slugs.add(f"{slug}-{again}" if again else slug)
    return slugs


def commands(text: str) -> Iterator[list[str]]:
    """What a reader would type: the lines of fenced blocks that begin with a program, in words."""
    for _, _, language, block in FENCE.findall(text):
        typed = block.replace("\\\n", " ")
        for typed_or_printed in typed.splitlines():
            if language == "console" and not typed_or_printed.startswith("$ "):
                continue
            line = typed_or_printed.strip().removeprefix("$ ")
            if language in ("", "console", "bash") and PROGRAM.match(line):
                yield shlex.split(line, comments=True)


def mentioned(text: str) -> Iterator[list[str]]:
    """Commands of `ris-tf` in the running text, in words; what they are given may be left out."""
    for code in INLINE.findall(prose(text).replace("\\|", "|")):
        if code.startswith("ris-tf ") and "..." not in code:
            yield shlex.split(code)
