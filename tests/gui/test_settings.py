"""The form's model: what is typed is what is trained, and what is wrong is shown as it is typed."""

import contextlib
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.models.commands import (
    NewRun,
    free_name,
    plugin_names,
    resume_command,
    train_command,
)
from gui.models.configurations import KIND
from gui.models.settings import ALL, Settings, text_of, values_of
from ris_tf.config import Config, ConfigError, Knob, all_knobs, load_config
from ris_tf.config.declared import declare
from ris_tf.registry import plugins_apart

CONFIGS = Path(__file__).parents[2] / "configs"
QUICKSTART = CONFIGS / "quickstart.yaml"
PATHS = sorted({knob.path for knob in all_knobs(Config)})
TEXTS = st.one_of(
    st.sampled_from(["reference", "beamspace", "true", "null", "", "[1.0, 2.0]", "[3, 5]", "abc"]),
    st.integers(-2, 300).map(str),
    st.floats(0, 2).map(repr),
    st.text(max_size=4),
)


@given(
    st.sampled_from([QUICKSTART, CONFIGS / "reference.yaml"]),
    st.lists(st.tuples(st.sampled_from([KIND, *PATHS]), TEXTS), max_size=6),
)
def test_overrides_of_the_file_make_what_the_form_shows(file, edits):
    settings = Settings.load(file)
    for path, text in edits:
        settings.edit(path, text)
    if settings.errors():
        with pytest.raises(ConfigError):
            settings.overrides()
        return
    assert load_config(file, settings.overrides()) == settings.config()


def test_nothing_typed_changes_nothing():
    settings = Settings.load(QUICKSTART)
    for knob in settings.knobs():
        settings.edit(knob.path, settings.text(knob.path))
    assert settings.overrides() == settings.changed() == []
    assert settings.config() == load_config(QUICKSTART)


def test_only_what_differs_is_overridden():
    settings = Settings.load(QUICKSTART)
    as_it_is = settings.text("training.epochs")
    settings.edit("training.epochs", "3")
    settings.edit("training.learning_rate", "8.0e-3")  # as it is in the file
    assert settings.changed() == ["training.epochs", "training.learning_rate"]
    assert settings.overrides() == ["training.epochs=3"]
    settings.reset("training.epochs")
    assert settings.text("training.epochs") == as_it_is != "3"


def test_another_network_brings_its_knobs_and_keeps_what_both_have():
    settings = Settings.load(QUICKSTART)
    settings.edit(KIND, "reference")
    paths = {knob.path for knob in settings.knobs()}
    assert "network.heads" in paths
    assert "network.image" not in paths
    assert settings.text("network.width") == "512", "the reference network's own"
    assert settings.text("network.filters") == "256", "the reference network's own"
    assert settings.config().network.kind == "reference"
    settings.edit(KIND, "beamspace")
    assert settings.overrides() == []


@pytest.mark.parametrize(
    ("edits", "where", "words"),
    [
        ({"training.epochs": "0"}, "training.epochs", "at least 1"),
        ({"training.epochs": "many"}, "training.epochs", "a whole number"),
        ({"training.epochs": ""}, "training.epochs", "must be a whole number"),
        ({"scene.snr_db": "[20, 0]"}, "scene.snr_db", "least <= most"),
        ({"scene.snr_db": "[1"}, "scene.snr_db", "not readable as YAML"),
        ({KIND: "magic"}, KIND, "must be one of"),
        ({"scene.sources_min": "3", "scene.sources_max": "2"}, ALL, "must not exceed"),
    ],
)
def test_what_is_wrong_is_shown_where_it_is(edits, where, words):
    settings = Settings.load(QUICKSTART)
    for path, text in edits.items():
        settings.edit(path, text)
    errors = settings.errors()
    assert list(errors) == [where]
    assert words in errors[where]
    assert where == ALL or where not in errors[where], "the row has the name already"


def test_where_an_error_stands_is_read_from_its_key(monkeypatch):
    """Whatever its words are: another form of the line moves no error to another row."""
    settings = Settings.load(QUICKSTART)
    settings.edit("training.epochs", "7")
    error = ConfigError("quite other words", source="x", key="training.patience", value=3)

    def refuse(base, texts):
        if len(texts) > 1:
            raise error
        return base

    settings.edit("seed", "3")
    monkeypatch.setattr("gui.models.settings.override_config", refuse)
    assert settings.errors() == {"training.patience": "quite other words"}
    error.key = "training"
    assert settings.errors() == {ALL: error.sentence}


@given(st.sampled_from(PATHS), st.text())
def test_no_text_breaks_the_form(path, text):
    settings = Settings.load(QUICKSTART)
    settings.edit(path, text)
    settings.knobs()
    with contextlib.suppress(ConfigError):
        settings.overrides()
    assert settings.errors() == {} or all(settings.errors().values())


THEIRS = {
    "plugins": ["theirs"],
    "terms": [{"name": "rarity", "weight": 0.1, "sentence": "Rarity.", "knobs": [
        asdict(Knob("base", None, "int", 2, None, "Of the logarithm.", bounds=(("ge", 2),)))]}],
    "networks": [{"name": "mine", "sentence": "Mine.", "knobs": [
        asdict(Knob("kind", "mine", "choice", "mine", None, "Kind.", choices=("mine",))),
        asdict(Knob("width", "mine", "int", 7, None, "Width.", bounds=(("ge", 1),)))]}],
}  # fmt: skip


@pytest.fixture
def plugin_knobs():
    """What a plug-in adds, declared as the monitor does it: nothing of it is loaded."""
    with plugins_apart():
        declare(THEIRS)
        yield


def test_knobs_of_a_plug_in_stand_beside_ours_and_are_checked(plugin_knobs):
    settings = Settings.load(QUICKSTART)
    knobs = {knob.path: knob for knob in settings.knobs()}
    assert settings.text("objective.rarity.base") == "2"
    assert knobs[KIND].choices == ("beamspace", "reference", "mine")
    assert settings.find("logarithm") == ["objective.rarity.base"]
    settings.edit("objective.weights.rarity", "0.5")
    settings.edit("objective.rarity.base", "1")
    assert settings.errors() == {"objective.rarity.base": "must be at least 2"}
    settings.edit("objective.rarity.base", "10")
    assert settings.overrides() == ["objective.weights.rarity=0.5", "objective.rarity.base=10"]


def test_a_network_of_a_plug_in_is_a_kind_as_ours(plugin_knobs):
    settings = Settings.load(QUICKSTART)
    settings.edit("network.width", "256")
    settings.edit(KIND, "mine")
    assert settings.text("network.width") == "256", "kept: both have a width"
    settings.edit("network.width", "7")
    assert settings.overrides() == ["network={kind: mine}"]


def test_what_was_typed_stays_when_a_plug_in_is_added():
    before = Settings.load(QUICKSTART)
    before.edit("training.epochs", "3")
    before.edit(KIND, "reference")
    before.edit("network.heads", "4")
    with plugins_apart():
        declare(THEIRS)
        after = Settings.load(QUICKSTART)
        after.edit_like(before)
        assert after.overrides() == before.overrides()
    assert len(before.overrides()) > 2


def test_search_finds_names_sentences_and_units():
    settings = Settings.load(QUICKSTART)
    assert "training.clip_norm" in settings.find("gradient norm")
    assert "scene.snr_db" in settings.find("dB")
    assert settings.find("no such thing") == []


def test_what_is_named_so_comes_before_what_mentions_it():
    """A whole name, its beginning, a part of it, its section, its sentence: in this order."""
    settings = Settings.load(QUICKSTART)
    assert settings.find("epochs")[0] == "training.epochs"
    assert settings.find("LEARNING_RATE")[0] == settings.find("rate learn")[0]
    places = settings.find("rate")
    names = [path.rpartition(".")[2] for path in places]
    named = ["rate" in name for name in names]
    assert named == sorted(named, reverse=True)
    assert True in named
    assert False in named
    assert settings.find("") == [knob.path for knob in settings.knobs()]


@pytest.mark.parametrize("value", [1e-5, 0.1 + 0.2, True, None, "auto", "no", "1e-3", [1, 2.5]])
def test_texts_are_read_back_as_they_were(value):
    import yaml

    from ris_tf.config.load import _parse

    assert _parse(text_of(value), "") == value
    del yaml


def test_every_default_is_a_text_that_reads_as_itself(tmp_path):
    empty = tmp_path / "empty.yaml"
    empty.write_text("")
    overrides = [f"{p}={text_of(v)}" for p, v in values_of(Config()).items()]
    assert load_config(empty, overrides) == Config()


def test_commands_as_text_and_as_arguments(tmp_path):
    command = train_command(NewRun(Path("a b.yaml"), ["scene.snr_db=[0, 5]"], "n", Path("runs")))
    assert command.text == (
        "ris-tf train 'a b.yaml' --set 'scene.snr_db=[0, 5]' --name n --runs-dir runs"
    )
    assert command.argv[1:4] == ["-m", "ris_tf.cli", "train"]
    assert resume_command(Path("runs/a")).text == "ris-tf train --resume runs/a"
    plugins = plugin_names("mine, mine, a b.py,")
    assert plugins == ("mine", "a b.py")
    on = train_command(NewRun(Path("a"), [], "n", Path("r"), device="gpu:1"))
    assert "--device gpu:1" in on.text
    assert "--device" not in train_command(NewRun(Path("a"), [], "n", Path("r"))).text
    assert "--plugin mine" in train_command(NewRun(Path("a"), [], "n", Path("r"), plugins)).text


def test_names_are_free(tmp_path, monkeypatch):
    monkeypatch.setattr("gui.models.commands.default_run_name", lambda path: path.stem)
    assert free_name(tmp_path, Path("configs/quickstart.yaml")) == "quickstart"
    (tmp_path / "quickstart").mkdir()
    assert free_name(tmp_path, Path("configs/quickstart.yaml")) == "quickstart-2"
    assert free_name(tmp_path, Path("runs/a.b/config.yaml")) == "a"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("sets/train", "sets/train"),
        ("./sets/*.npz", "./sets/*.npz"),
        ("/data/a-1.npz", "/data/a-1.npz"),
        ("*.npz", '"*.npz"'),  # an alias, to YAML
        ("my sets/train", '"my sets/train"'),
        ("null", '"null"'),
    ],
)
def test_paths_are_shown_as_people_type_them(value, text):
    assert text_of(value) == text
    settings = Settings.load(QUICKSTART)
    settings.edit("data.train", text)
    assert settings.config().data.train == value
    assert settings.overrides() == [f"data.train={text}"]
