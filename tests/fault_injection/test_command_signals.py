"""Each signal in each command that works long: nothing half done is left, and the code tells."""

import signal

import pytest
from harness import CONFIG, FULL

ENDING = {signal.SIGINT: 130, signal.SIGTERM: 75, signal.SIGUSR1: 75, signal.SIGXCPU: 75}
GOING_ON = (signal.SIGHUP, signal.SIGUSR2)
EVALUATE = ("evaluate", "--config", CONFIG, "--scenes", "8", "--no-figures")
RUN, SCENES = "{run}", "{scenes}"  # of a run, of simulated scenes
# Words, and where the signal comes.
COMMANDS = {
    "simulate": (
        ("simulate", CONFIG, "--scenes", "8", "--out", "out.npz"),
        "ris_tf.data.export:named_arrays",
    ),
    "evaluate": (
        (*EVALUATE, "--estimators", "sample-mvdr", "--out", "out"),
        "ris_tf.evaluation.run:Evaluation._truth_of",
    ),
    "localize": (
        ("localize", RUN, SCENES, "--out", "out.csv"),
        "ris_tf.localizer:Localizer._described",
    ),
    "calibrate": (
        ("calibrate", RUN, SCENES, "--out", "out.npz"),
        "ris_tf.estimation.calibration:_fitted",
    ),
    "export csv": (
        ("export", RUN, "--to", "csv", "--out", "out"),
        "ris_tf.interop.tables:_rows",
    ),
    "export savedmodel": (
        ("export", RUN, "--to", "savedmodel", "--out", "out"),
        "ris_tf.interop.networks:_deviations",
    ),
    "model": (("model", CONFIG), "ris_tf.engine.tensorflow_quiet:load_tensorflow"),
}
EVERY = [(command, number) for command in COMMANDS for number in (*ENDING, *GOING_ON)]
FEW = [("simulate", signal.SIGUSR1), ("simulate", signal.SIGHUP)]


@pytest.fixture(scope="session")
def scenes(harmed, made_once):
    """A file of simulated scenes."""

    def fill(folder):
        words = ("simulate", CONFIG, "--scenes", "64", "--out", folder / "scenes.npz")
        harmed(*words).in_order(0)

    return made_once("scenes", fill) / "scenes.npz"


@pytest.mark.parametrize(("command", "number"), EVERY if FULL else FEW)
def test_command_is_sent_a_signal(
    harmed, half_way, scenes, tmp_path, monkeypatch, fault, command, number
):
    code = ENDING.get(number, 0)
    fault(f"{number.name} in {command}", f"exit code {code}" if code else "goes on")
    monkeypatch.chdir(tmp_path)
    words, place = COMMANDS[command]
    given = [{RUN: half_way / "run", SCENES: scenes}.get(word, word) for word in words]
    done = harmed(*given, entering=place, signal=number).in_order(code)
    if code == 75:
        assert done.said.endswith(f"ris-tf: ended by {number.name}: give it again\n")
    left = {path.name for path in tmp_path.iterdir()}
    if code or command == "model":
        assert not left
    else:
        assert words[-1] in left
