"""Asked to stop at any moment, a run stops in order, and resumes to what it would have been."""

import signal

import pytest
from harness import FULL, WINDOW, assert_same, end_of, weights

from ris_tf.runlog import read_run_log

PLACES = {
    "TensorFlow's import": ("ris_tf.engine.tensorflow_quiet:load_tensorflow", 1),
    "the first compile": ("ris_tf.engine.step:GuardedStep.train_step", 1),
    "between windows": (WINDOW, 5),
    "an epoch's last window": (WINDOW, 6),
    "validation": ("ris_tf.engine.session:TrainingSession._validate", 2),
    "the validation's graph": ("ris_tf.engine.validation:Validating.test_step", 1),
    "saving the best network": ("ris_tf.engine.checkpoint:save_network", 1),
    "checkpointing": ("ris_tf.engine.checkpoint:save", 2),
}
# What ends a run, and with which exit code: schedulers start it again after 75.
ENDING = {signal.SIGINT: 130, signal.SIGTERM: 75, signal.SIGUSR1: 75, signal.SIGXCPU: 75}
EVERY = [(place, number) for place in PLACES for number in ENDING]
GOING_ON = (signal.SIGHUP, signal.SIGUSR2)


def stop(harmed, folder, place, number, **plan):
    """Begin a run that is sent a signal, and see it stop in order."""
    function, times = PLACES[place]
    plan = {"entering": function, "times": times, "signal": number, **plan}
    done = harmed.train(folder, **plan).in_order(ENDING[number])
    assert b"after this window" in done.said.encode()
    assert end_of(folder / "run") == ("interrupted", f"interrupted by {number.name}")
    assert weights(folder / "run")


@pytest.mark.skipif(not FULL, reason="in the full form (make faults)")
@pytest.mark.parametrize(("place", "number"), EVERY)
def test_signal_stops_with_a_checkpoint(harmed, reference, tmp_path, fault, place, number):
    code = ENDING[number]
    fault(f"{number.name} anywhere", f"checkpoint, end event, exit code {code}")
    stop(harmed, tmp_path, place, number)
    harmed.go_on(tmp_path).in_order(0)
    assert_same(tmp_path / "run", reference)


@pytest.mark.skipif(not FULL, reason="in the full form (make faults)")
@pytest.mark.parametrize("place", ["validation", "checkpointing"])
def test_second_signal_stops_at_once(harmed, reference, tmp_path, fault, place):
    fault("SIGINT twice", "stops at once, exit code 130")
    function, times = PLACES[place]
    done = harmed.train(tmp_path, entering=function, times=times, signal=signal.SIGINT, repeat=2)
    done.in_order(130)
    assert end_of(tmp_path / "run")[0] == "interrupted"
    harmed.go_on(tmp_path).in_order(0)
    assert_same(tmp_path / "run", reference)


@pytest.mark.thorough
def test_signal_then_an_exception_in_validation(harmed, reference, tmp_path, fault):
    fault("an exception in validation", "end event with the reason; raw weights are back")
    stop(harmed, tmp_path, "validation", signal.SIGTERM)
    done = harmed.go_on(tmp_path, raising="ris_tf.engine.validation:BatchMeans.result")
    assert done.code == 1, done.said
    reason, text = end_of(tmp_path / "run")
    assert reason == "failed"
    assert text.startswith("out of memory with batches of 4 scenes, 2 a window: ")
    assert "--set training.batch=2 --set training.accumulation=4" in text
    assert text.endswith("MemoryError: injected")
    harmed.go_on(tmp_path).in_order(0)
    assert_same(tmp_path / "run", reference)


@pytest.mark.skipif(not FULL, reason="in the full form (make faults)")
@pytest.mark.parametrize("number", [n for n in ENDING if n != signal.SIGINT])
def test_scheduler_may_repeat_itself(harmed, reference, tmp_path, fault, number):
    fault("a scheduler's signal twice", "as once: the checkpoint is written")
    stop(harmed, tmp_path, "between windows", number, repeat=2)
    harmed.go_on(tmp_path).in_order(0)
    assert_same(tmp_path / "run", reference)


@pytest.mark.skipif(not FULL, reason="in the full form (make faults)")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("number", GOING_ON)
def test_signal_that_ends_nothing(harmed, reference, tmp_path, fault, place, number):
    fault(f"{number.name} anywhere", "the run goes on, to the same bits")
    function, times = PLACES[place]
    harmed.train(tmp_path, entering=function, times=times, signal=number).in_order(0)
    assert_same(tmp_path / "run", reference)


def test_run_goes_on_without_terminal_and_from_within_an_epoch(harmed, reference, tmp_path, fault):
    """SIGHUP changes nothing, SIGUSR2 writes a checkpoint, and SIGKILL loses what came after it."""
    fault("SIGHUP, SIGUSR2, SIGKILL within an epoch", "goes on within the epoch, same bits")
    place, signals = PLACES["between windows"][0], {"4": [*GOING_ON], "5": [signal.SIGKILL]}
    assert harmed.train(tmp_path, entering=place, signals=signals).code == -signal.SIGKILL
    log = read_run_log(tmp_path / "run" / "events.jsonl")
    assert [notice.what for notice in log.notices].count("terminal") == 1
    assert [checkpoint.step for checkpoint in log.checkpoints] == [3, 4]
    assert "resuming at window 4" in harmed.go_on(tmp_path).in_order(0).said
    assert_same(tmp_path / "run", reference)
