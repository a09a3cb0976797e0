"""Each signal in each command that works long: nothing half done is left, and the code tells."""

import signal

import pytest
from harness import CONFIG, FULL

ENDING = {signal.SIGINT: 130, signal.SIGTERM: 75, signal.SIGUSR1: 75, signal.SIGXCPU: 75}
GOING_ON = (signal.SIGHUP, signal.SIGUSR2)
EVALUATE = ("evaluate", "--config", CONFIG, "--scenes", "8", "--no-figures")
# Words, what they write, and where the signal comes.
COMMANDS = {
    "simulate": (
        ("simulate", CONFIG, "--scenes", "8", "--out", "out.npz"),
        "ris_tf.data.export:named_arrays",
    ),
    "evaluate": (
        (*EVALUATE, "--estimators", "sample-mvdr", "--out", "out.npz"),
        "ris_tf.evaluation.run:Evaluation._truth_of",
    ),
    "model": (("model", CONFIG), "ris_tf.engine.tensorflow_quiet:load_tensorflow"),
}
EVERY = [(command, number) for command in COMMANDS for number in (*ENDING, *GOING_ON)]
FEW = [("simulate", signal.SIGUSR1), ("simulate", signal.SIGHUP)]


@pytest.mark.parametrize(("command", "number"), EVERY if FULL else FEW)
def test_command_is_sent_a_signal(harmed, tmp_path, monkeypatch, fault, command, number):
    code = ENDING.get(number, 0)
    fault(f"{number.name} in {command}", f"exit code {code}" if code else "goes on")
    monkeypatch.chdir(tmp_path)
    words, place = COMMANDS[command]
    done = harmed(*words, entering=place, signal=number).in_order(code)
    if code == 75:
        assert done.said.endswith(f"ris-tf: ended by {number.name}: give it again\n")
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ([] if code or command == "model" else ["out.npz"])
