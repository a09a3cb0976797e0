"""Configurations by name, and `ris-tf init`, which explains every key of one."""

import pytest

from ris_tf.cli.main import guarded
from ris_tf.config import (
    Config,
    ConfigError,
    all_knobs,
    commented_config,
    config_file,
    load_config,
    shipped_configs,
)


def test_names_are_the_files_of_the_folder(root):
    files = {file.stem: file for file in (root / "configs").glob("*.yaml")}
    assert shipped_configs() == files
    assert {"quickstart", "reference", "default-panel", "default-panel-gpu"} <= set(files)


@pytest.mark.parametrize("name", shipped_configs())
def test_a_name_stands_for_its_file(name):
    assert load_config(name) == load_config(shipped_configs()[name])
    assert load_config(name, ["seed=7"]).seed == 7


def test_a_file_wins_over_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quickstart").write_text("seed: 5")
    assert load_config("quickstart").seed == 5
    (tmp_path / "quickstart").unlink()
    (tmp_path / "quickstart").mkdir()  # such as the folder of somebody's runs
    assert load_config("quickstart").seed == 42


@pytest.mark.parametrize("given", ["quickstart.yaml", "runs/quickstart", ""])
def test_paths_are_no_names(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"cannot be read.*; give the path of a YAML file"):
        load_config(given)


def test_unknown_name_lists_those_there_are():
    with pytest.raises(ConfigError) as caught:
        config_file("quikstart")
    assert str(caught.value) == (
        "quikstart: no such file, and no configuration that comes with ris_tf; "
        "names are default-panel, default-panel-gpu, quickstart, reference; the path of a YAML "
        "file works, too"
    )


@pytest.mark.parametrize("name", shipped_configs())
def test_commented_configuration_is_the_same(name, tmp_path):
    config = load_config(name)
    text = commented_config(config, name)
    (tmp_path / "mine.yaml").write_text(text)
    assert load_config(tmp_path / "mine.yaml") == config
    assert all(len(line) <= 100 for line in text.splitlines())


def test_comments_have_every_knob_with_sentence_unit_and_bounds():
    config = load_config("quickstart")
    words = " ".join(commented_config(config, "x").replace("#", " ").split())
    for knob in all_knobs(Config):
        if knob.variant in (None, config.network.kind):
            assert f"{knob.path.rpartition('.')[2]}: " in words
            assert " ".join(knob.sentence.split()) in words
            assert not knob.unit or f"Unit: {knob.unit}." in words
    assert "Allowed: whole number at least 0, at most 2147483647. Default: 42. seed: 42" in words


@pytest.fixture
def init(tmp_path, monkeypatch, capsys):
    """Runs `ris-tf init` in an empty folder."""
    from ris_tf.cli.main import app

    monkeypatch.chdir(tmp_path)

    def run(*words):
        code = guarded(lambda: app(["init", *words], standalone_mode=False))
        return code, capsys.readouterr()

    return run


def test_init_writes_once(init, tmp_path):
    assert init()[0] == 0
    assert load_config(tmp_path / "quickstart.yaml") == load_config("quickstart")
    (tmp_path / "quickstart.yaml").write_text("seed: 1")
    code, printed = init("quickstart")
    assert code == 2
    assert printed.err == (
        "ris-tf: --out quickstart.yaml: exists; choose another --out, or remove it\n"
    )
    assert (tmp_path / "quickstart.yaml").read_text() == "seed: 1"


def test_init_explains_a_file_of_ones_own(init, tmp_path):
    (tmp_path / "mine.yaml").write_text("network: {kind: reference}\nseed: 9")
    assert init("mine.yaml", "--out", "new/explained.yaml")[0] == 0
    explained = tmp_path / "new" / "explained.yaml"
    assert load_config(explained) == load_config(tmp_path / "mine.yaml")
    assert "Allowed: " in explained.read_text()
    assert init("nothing")[0] == 2
