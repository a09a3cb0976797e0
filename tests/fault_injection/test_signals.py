"""Asked to stop at any moment, a run stops in order, and resumes to what it would have been."""

import signal

import pytest
from harness import FULL, assert_same, end_of, weights

PLACES = {
    "TensorFlow's import": ("ris_tf.engine.tensorflow_quiet:load_tensorflow", 1),
    "the first compile": ("ris_tf.engine.step:GuardedStep.train_step", 1),
    "between windows": ("ris_tf.engine.recorder:StepRecorder.on_train_batch_end", 5),
    "an epoch's last window": ("ris_tf.engine.recorder:StepRecorder.on_train_batch_end", 6),
    "validation": ("ris_tf.engine.session:TrainingSession._validate", 2),
    "the validation's compile": ("ris_tf.engine.step:GuardedStep.test_step", 1),
    "saving the best network": ("ris_tf.engine.checkpoint:save_network", 1),
    "checkpointing": ("ris_tf.engine.checkpoint:save", 2),
}
EVERY = [(place, number) for place in PLACES for number in (signal.SIGINT, signal.SIGTERM)]


def stop(harmed, folder, place, number):
    """Begin a run that is sent a signal, and see it stop in order."""
    function, times = PLACES[place]
    done = harmed.train(folder, entering=function, times=times, signal=number).in_order(130)
    assert "stopping after this window" in done.said
    assert end_of(folder / "run") == ("interrupted", f"interrupted by {number.name}")
    assert weights(folder / "run")


@pytest.mark.skipif(not FULL, reason="in the full form (make faults)")
@pytest.mark.parametrize(("place", "number"), EVERY)
def test_signal_stops_with_a_checkpoint(harmed, reference, tmp_path, fault, place, number):
    fault(f"{number.name} anywhere", "checkpoint, end event, exit code 130")
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


def test_signal_then_an_exception_in_validation(harmed, reference, tmp_path, fault):
    fault("an exception in validation", "end event with the reason; raw weights are back")
    stop(harmed, tmp_path, "validation", signal.SIGTERM)
    done = harmed.go_on(tmp_path, raising="ris_tf.engine.validation:BatchMeans.result")
    assert done.code == 1, done.said
    assert end_of(tmp_path / "run") == ("failed", "MemoryError: injected")
    harmed.go_on(tmp_path).in_order(0)
    assert_same(tmp_path / "run", reference)
