"""docs/configuration.md says what the schema and the messages say."""

import runpy
from pathlib import Path

import pytest

from ris_tf.config import ConfigError, load_config


def test_table_of_knobs_is_current(root: Path) -> None:
    tool = runpy.run_path(str(root / "tools" / "knob_table.py"))
    page = tool["PAGE"].read_text(encoding="utf-8")
    assert tool["with_table"](page) == page, "run `make docs`"


@pytest.mark.parametrize(
    ("text", "overrides"),
    [
        ("training: {batch_size: 8}", []),
        ("", ["training.batch=0"]),
        ("scene: {symbols: fixed}", []),
        ("scene: {sources_min: 4, sources_max: 3}", []),
        ("scene: {seed: 2,\n       seed: 3}", []),
    ],
)
def test_messages_are_quoted_as_they_are(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, overrides: list[str]
) -> None:
    page = (root / "docs" / "configuration.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config("my.yaml", overrides)
    assert f"ris-tf: {caught.value}\n" in page
