"""Plug-ins: what loads, and the one line that says why something does not."""

import sys
from pathlib import Path

import pytest
from commands import ris_tf

from ris_tf.config import TERMS, Config, parse_config, schema
from ris_tf.registry import PluginError, load_plugins, named_plugins, require_plugins

TERM = '''
from ris_tf.plugins import term

@term("mine", weight=0.25)
def mine(comparison):
    """What it is. And more of it."""
'''


def test_a_file_adds_its_term(plugin):
    path = plugin(TERM)
    load_plugins([path, path])
    config = parse_config({"objective": {"weights": {"mine": 0.5}}})
    assert config.objective.weights.mine == 0.5
    assert schema()().objective.weights.mine == 0.25
    assert isinstance(config, Config)
    assert TERMS["mine"].sentence == "What it is."
    assert named_plugins() == [path]


def test_a_module_is_named_by_its_name(plugin, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(plugin(TERM, "named_module")).parent))
    load_plugins(["named_module"])
    assert named_plugins() == ["named_module"]
    assert "mine" in TERMS


def test_an_entry_point_is_named_by_its_name(plugin, monkeypatch):
    """A package that is installed adds nothing until somebody names it."""
    folder = Path(plugin(TERM, "installed_module")).parent
    info = folder / "installed_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: installed-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ris_tf.plugins]\nshort = installed_module\n")
    monkeypatch.syspath_prepend(str(folder))
    assert "mine" not in TERMS
    load_plugins(["short"])
    assert "mine" in TERMS
    with pytest.raises(PluginError, match="no such module; installed ones are short; give the"):
        load_plugins(["shirt"])


def test_nothing_is_added_after_an_error(plugin):
    path = plugin(TERM + "\n1 / 0\n")
    with pytest.raises(PluginError):
        load_plugins([path])
    assert "mine" not in TERMS
    assert "mine" not in sys.modules
    assert named_plugins() == []
    assert schema() is Config


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("1 / 0", "raises ZeroDivisionError: division by zero (mine.py, line 1)"),
        ("import nothing_there", "raises ModuleNotFoundError: No module named 'nothing_there'"),
        ("def broken(:", "raises SyntaxError: invalid syntax (mine.py, line 1)"),
        ("raise SystemExit(3)", "raises SystemExit: 3"),
        (TERM.replace('"mine"', '"count"'), "term = 'count': is there already; choose another"),
        (TERM.replace('"mine"', '"Mine!"'), "term = 'Mine!': must read [a-z][a-z0-9_]*"),
        (TERM.replace('"mine"', '"copy"'), "term = 'copy': is a name of the schema's"),
        (TERM.replace("comparison", ""), "term = 'mine': takes (); must be a function of (comp"),
        (TERM.replace("0.25", "-1"), "weight of mine = -1: must be a number from 0 to 1000"),
        (
            TERM.replace(", weight=0.25", ""),
            "weight of mine = None: must be a number from 0 to 1000",
        ),
        (TERM.replace('"""What it is. And more of it."""', "pass"), "has no docstring"),
        (TERM.replace("=0.25", "=1, knobs=int"), "must be a function of (comparison, knobs)"),
        (
            "from ris_tf.plugins import network\n@network('mine')\nclass Mine:\n    'Mine.'",
            "network = 'mine': must be a subclass of ris_tf.plugins.Network",
        ),
        (
            "from ris_tf.plugins import estimator\n@estimator('pursuit')\ndef f(e, q):\n    'F.'",
            "estimator = 'pursuit': is there already",
        ),
        (
            "from ris_tf.plugins import estimator\n@estimator('f')\ndef f(e):\n    'F.'",
            "estimator = 'f': takes (e); must be a function of (estimators, inputs)",
        ),
    ],
)
def test_what_is_wrong_is_one_line(plugin, code, line):
    path = plugin(code)
    with pytest.raises(PluginError) as caught:
        load_plugins([path])
    text = str(caught.value)
    assert text.isprintable()
    assert text.startswith(f"--plugin {path}: ")
    assert line in text


def test_files_that_are_not_there_or_are_called_like_others(plugin, tmp_path):
    with pytest.raises(PluginError, match="no such file"):
        load_plugins(["nowhere/mine.py"])
    with pytest.raises(PluginError, match="no such module; give the path"):
        load_plugins(["no_such_module.at_all"])
    with pytest.raises(PluginError, match="a module cannot have the name 'numpy'"):
        load_plugins([plugin("", "numpy")])
    load_plugins([plugin(TERM)])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.py").write_text("")
    with pytest.raises(PluginError, match="has the same name; rename one"):
        load_plugins([str(tmp_path / "other" / "mine.py")])


def test_what_was_made_with_a_plugin_wants_it_again(plugin, tmp_path):
    path = plugin(TERM)
    with pytest.raises(PluginError, match=r"runs/one: was made with a plug-in.*add --plugin "):
        require_plugins([path], "runs/one")
    load_plugins([path])
    require_plugins(["/another/folder/mine.py"], "runs/one")  # the same module from elsewhere


def test_a_plugin_without_tensorflow_loads_none(plugin):
    """`--list` and the monitor's forms stay quick."""
    path = plugin(
        """
        import atexit, sys
        from ris_tf.plugins import estimator

        @estimator("mine")
        def mine(estimators, inputs):
            'My own.'

        atexit.register(lambda: print("tensorflow" in sys.modules))
        """
    )
    done = ris_tf("evaluate", "--list", "--plugin", path, from_nothing=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("mine              My own\nFalse\n")


def test_commands_say_it_in_one_line(plugin, tiny_yaml):
    done = ris_tf("train", tiny_yaml, "--plugin", "nowhere.py")
    assert done.returncode == 2
    assert done.stderr == "ris-tf: --plugin nowhere.py: no such file\n"
    done = ris_tf("train", tiny_yaml, "--set", "objective.weights.mine=1")
    assert done.returncode == 2
    assert "valid here: covariance, covariance_pred" in done.stderr
    assert done.stderr.endswith("add one of your own with --plugin MODULE (docs/plug-ins.md)\n")
