"""What a person sees when a configuration is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ris_tf.config import ConfigError, load_config


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Loads `my.yaml` of some content, which must fail; returns the one line that says why."""
    monkeypatch.chdir(tmp_path)

    def refuse(content: str | bytes, *overrides: str) -> str:
        data = content.encode() if isinstance(content, str) else content
        Path("my.yaml").write_bytes(data)
        with pytest.raises(ConfigError) as caught:
            load_config("my.yaml", overrides)
        line = str(caught.value)
        assert line.isprintable(), "one line, nothing that a terminal obeys"
        assert len(line) < 400
        assert [path.name for path in tmp_path.iterdir()] == ["my.yaml"], "nothing is created"
        return line

    return refuse
