"""Files that are no configuration, and `--set` texts that set nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ris_tf.config import Config, ConfigError, load_config

Refuse = Callable[..., str]

# Each level doubles what the one above stands for: 2^64 entries, would anybody expand them.
LAUGHS = "a: &a0 [x, x]\n" + "".join(f"b{n}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(64))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("scene: {snr_db: [0", "not readable as YAML at line 1"),
        ("a: b: c", "not readable as YAML at line 1, column 5: mapping values are not allowed"),
        ("seed: 1\n\tscene: 2", "not readable as YAML at line 2, column 1"),
        ("seed: 1\nseed: 2", "line 2, column 1: key 'seed' is given twice"),
        ("scene: {antennas: 4, antennas: 8}", "key 'antennas' is given twice"),
        ("1: 2", "keys must be text, not 1"),
        ("[1, 2]: 3", "keys must be text, not [1, 2]"),
        ("- seed", "must have keys and values, not list"),
        ("hello", "must have keys and values, not str"),
        ("seed: 1\n---\nseed: 2", "expected a single document"),
        ("seed: 2020-13-45", "must be a whole number"),
        (f"seed: {'9' * 9000}", "not readable as YAML"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not readable as YAML"),
        (b"seed: \xff\xfe\xe9", "not readable as YAML"),
        ("seed: 1 # caf\xe9".encode("latin-1"), "not readable as YAML"),
        ("[" * 5000, "nested too deep"),
        ("#" * 1_000_001, "larger than 1000000 bytes; this is no configuration"),
        (LAUGHS, "aliases are not allowed; write the value out"),
        ("seed: &a [*a]", "aliases are not allowed; write the value out"),
        ('"a\\nb\\e[31m": 1', "my.yaml: a\\nb\\x1b[31m: unknown key"),
    ],
)
def test_refused_file(refused: Refuse, content: str | bytes, reason: str) -> None:
    line = refused(content)
    assert line.startswith("my.yaml: ")
    assert reason in line


@pytest.mark.parametrize(
    "call",
    [
        "!!python/object/apply:os.system ['touch made']",
        "!!python/object/new:os.system ['touch made']",
        "!!python/name:os.system",
        "!!python/module:os",
        "!local 1",
    ],
)
@pytest.mark.parametrize("way", ["file", "set"])
def test_tag_that_asks_for_an_object_is_refused(refused: Refuse, call: str, way: str) -> None:
    line = refused(f"seed: {call}") if way == "file" else refused("seed: 1", f"seed={call}")
    assert f"tag '{call.split(maxsplit=1)[0]}' is not allowed; only plain values are" in line


def test_file_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    reasons = {
        tmp_path / "absent.yaml": "No such file or directory",
        tmp_path: "Is a directory",
        tmp_path / "file" / "below.yaml": "Not a directory",
        tmp_path / ("x" * 300): "File name too long",
    }
    for path, reason in reasons.items():
        with pytest.raises(ConfigError) as caught:
            load_config(path)
        assert str(caught.value) == (
            f"{path}: cannot be read: {reason}; give the path of a YAML file"
        )


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("seed", "--set 'seed': must read section.key=value"),
        ("", "--set '': must read section.key=value"),
        ("=1", "--set '=1': must read section.key=value"),
        ("scene..snr_db=1", "--set 'scene..snr_db=1': must read section.key=value"),
        ("seed.x=1", "--set 'seed.x=1': seed = 1: is a value, not a section"),
        ("scene=1", "--set: scene = 1: must be a group of keys"),
        (
            "imperfections=hard",
            "--set: imperfections = 'hard': no such set of imperfections; must be none or typical",
        ),
        ("seed=", "--set: seed = None: must be a whole number"),
        ("scene.snr_db=[1", "--set 'scene.snr_db=[1': not readable as YAML at line 1"),
        ("training.batch=1e3", "--set: training.batch = 1000.0: must be a whole number"),
        ("training.batch=0", "--set: training.batch = 0: must be at least 1"),
        ("trainig.batch=1", "--set: trainig: unknown key; did you mean 'training'?"),
        ("scene.sources_min=5", "--set: scene: sources_min = 5 must not exceed sources_max = 3"),
    ],
)
def test_refused_override(refused: Refuse, override: str, line: str) -> None:
    assert refused("{seed: 1, scene: {sources_max: 3}}", override).startswith(line)


def test_override_of_a_bad_file_blames_the_file(refused: Refuse) -> None:
    assert refused("seed: -1", "training.batch=8").startswith("my.yaml: seed = -1")


def test_later_override_wins(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text("scene: {antennas: 4, snapshots: 8}")
    config = load_config(path, ["scene.antennas=5", "scene.antennas=6", "network.kind=reference"])
    assert (config.scene.antennas, config.scene.snapshots) == (6, 8)
    assert config.network.kind == "reference"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "{}", "---\n"])
def test_empty_file_is_all_defaults(tmp_path: Path, text: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(text)
    assert load_config(path) == Config()


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "1.e-3", "0.1e-2", ".1e-2", "+1e-3", "0.001"])
def test_exponent_without_point_is_a_number(tmp_path: Path, text: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(f"training: {{learning_rate: {text}}}")
    assert load_config(path).training.learning_rate == pytest.approx(1e-3)
    assert load_config(path, [f"objective.weights.count={text}"]).objective.weights.count == (
        pytest.approx(1e-3)
    )


@pytest.mark.parametrize("name", ["quickstart", "default-panel", "default-panel-gpu", "reference"])
def test_shipped_configurations_load(root: Path, name: str) -> None:
    load_config(root / "configs" / f"{name}.yaml")


@pytest.mark.parametrize("section", ["scene", "network", "training"])
def test_empty_section_is_all_defaults(tmp_path: Path, section: str) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text(f"{section}:\n")
    assert load_config(path) == Config()


def test_set_of_imperfections_has_a_name(tmp_path: Path) -> None:
    file = tmp_path / "some.yaml"
    file.write_text("imperfections: typical")
    named = load_config(file).imperfections
    assert named.dropout == 0.03
    changed = load_config(file, ["imperfections=typical", "imperfections.fixed=true"])
    assert changed.imperfections == named.model_copy(update={"fixed": True})
