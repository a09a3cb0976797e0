"""Writes the table of all knobs into docs/configuration.md, from the schema."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import yaml

from ris_tf.config import BeamspaceNetwork, Config, Knob, ReferenceNetwork, all_knobs
from ris_tf.config.describe import allowed_words
from ris_tf.config.errors import number

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"
BEGIN, END = "<!-- knobs: written by `make docs` -->", "<!-- end of knobs -->"
NETWORKS = {"beamspace": BeamspaceNetwork, "reference": ReferenceNetwork}


def main() -> None:
    """Bring the page up to date."""
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def with_table(page: str) -> str:
    """The page with a current table between its markers."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n{END}{after}"


def table() -> str:
    """Every knob in Markdown, a table for each section."""
    sections = groupby(all_knobs(Config), lambda knob: (knob.path.rpartition(".")[0], knob.variant))
    return "\n".join(_section(path, kind, knobs) for (path, kind), knobs in sections)


def _section(path: str, kind: str | None, knobs: Iterable[Knob]) -> str:
    title = f"`{path}`" if path else "Top level"
    lines = [
        f"### {title}, `kind: {kind}`" if kind else f"### {title}",
        "",
        *([_about(path, kind), ""] if path else []),
        "| key | default | allowed | unit | what it is |",
        "|---|---|---|---|---|",
        *(_row(knob) for knob in knobs),
        "",
    ]
    return "\n".join(lines)


def _about(path: str, kind: str | None) -> str:
    """What the section is, from its class."""
    model = Config
    for name in path.split("."):
        model = NETWORKS[kind] if kind else model.model_fields[name].annotation
    return (model.__doc__ or "").partition("\n")[0]


def _row(knob: Knob) -> str:
    cells = (
        f"`{knob.path.rpartition('.')[2]}`",
        f"`{_value(knob.default)}`",
        allowed_words(knob, quote="`"),
        knob.unit or "",
        knob.sentence,
    )
    return f"| {' | '.join(cells)} |"


def _value(default: object) -> str:
    """A default as YAML has it."""
    if isinstance(default, float):
        return number(default)
    plain = list(default) if isinstance(default, tuple) else default
    return yaml.safe_dump(plain, default_flow_style=True, width=1000).partition("\n")[0]


if __name__ == "__main__":
    main()
