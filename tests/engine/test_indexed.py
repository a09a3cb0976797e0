"""Batches that are read by number: in order, ahead, from anywhere, and errors of threads."""

import threading

import numpy as np
import pytest
import tensorflow as tf
from small_model import BATCH, EXAMPLES, StopAfter, X, Y, make_trainer, state_of, steps_of

from ris_tf.engine.indexed import AHEAD, Indexed
from ris_tf.errors import UserError

PER_EPOCH = 5


def read(number):
    rows = np.random.default_rng([7, number]).integers(0, EXAMPLES, BATCH)
    return X[rows], Y[rows]


def test_batches_come_in_order_and_are_read_ahead():
    numbers, lock = [], threading.Lock()

    def counted(number):
        with lock:
            numbers.append(number)
        return read(number)

    batches = Indexed(counted, PER_EPOCH)
    taken = [batches.take() for _ in range(7)]
    for number, batch in enumerate(taken):
        np.testing.assert_array_equal(batch[0], read(number)[0])
    batches._pool.shutdown()
    assert sorted(numbers[1:]) == list(range(7 + AHEAD - 1))  # the first shows the structure


def test_seek_reads_nothing_in_between():
    numbers = []
    batches = Indexed(lambda number: (numbers.append(number), read(number))[1], PER_EPOCH)
    batches.take()
    batches.seek(1000)
    np.testing.assert_array_equal(batches.take()[0], read(1000)[0])
    assert batches.position == 1001
    assert all(number < AHEAD or number >= 1000 for number in numbers)


@pytest.mark.parametrize("stop_after", [2, 3, pytest.param(4, marks=pytest.mark.thorough)])
def test_stopped_and_resumed_run_is_the_uninterrupted_one(tmp_path, stop_after):
    """Three windows an epoch, the last of one batch: in the middle of an epoch and at its end."""
    for name, stop in (("whole", None), ("stopped", stop_after)):
        path = tmp_path / name
        common = {"epochs": 3, "run": path, "verbose": False}
        callbacks = [StopAfter(path, stop)] if stop else []
        validation = Indexed(read, 2)
        outcome = make_trainer(swa=0.5).fit(
            Indexed(read, PER_EPOCH), validation=validation, callbacks=callbacks, **common
        )
        if stop:
            assert outcome.reason == "stopped"
            outcome = make_trainer(swa=0.5).fit(
                Indexed(read, PER_EPOCH), validation=Indexed(read, 2), resume=True, **common
            )
        assert outcome.reason == "finished"
    assert state_of(tmp_path / "stopped") == state_of(tmp_path / "whole")
    assert steps_of(tmp_path / "stopped") == steps_of(tmp_path / "whole")


@pytest.mark.parametrize("accumulation", [1, 2])
def test_step_is_given_what_is_prepared(accumulation):
    """Each batch with its epoch and its number there, inside the step."""
    seen = []

    def prepare(batch, epoch, number):
        x, y = batch
        return x, y, tf.cast(100 * epoch + number, tf.float32)

    def loss(model, batch, step):
        x, y, place = batch
        tf.py_function(lambda *of: seen.append([int(v) for v in of]), [place, step.batch], [])
        return tf.reduce_mean(tf.square(model(x) - y))

    trainer = make_trainer(loss, accumulation=accumulation, ema=None)
    trainer.fit(Indexed(read, 3, prepare), epochs=2, verbose=False)
    assert [one for one in seen if one] == [[100 * e + n, n] for e in range(2) for n in range(3)]


@pytest.mark.parametrize("when", ["at once", "later"])
def test_error_of_the_data_is_raised_as_it_is(tmp_path, when):
    """Of a thread, through TensorFlow: one line, and the run has failed without a traceback."""

    def broken(number):
        if when == "at once" or number >= 4:
            raise UserError("is gone", source="b.npz")
        return read(number)

    with pytest.raises(UserError, match=r"^b\.npz: is gone$"):
        make_trainer().fit(Indexed(broken, 3), epochs=3, run=tmp_path / "run", verbose=False)
    if when == "later":
        assert "Traceback" not in (tmp_path / "run" / "console.log").read_text()
