"""What happens around a run: its memory, its clock, the machine that it goes on with."""

import os
import signal
import time

import pytest

from ris_tf.config import Config, dump_config
from ris_tf.engine.machine import Machine, crowded, moved
from ris_tf.engine.memory import GIB, Memory
from ris_tf.engine.plan import Plan
from ris_tf.engine.stopping import Stop, StopSignals, check_stop
from ris_tf.engine.surroundings import Surroundings
from ris_tf.engine.task import Task
from ris_tf.errors import UserError
from ris_tf.runlog import Cause, EventWriter, RunDirectory, Session

NO_GPU = Memory(0, 1 << 20)


def test_checkpoint_is_due_by_the_clock_or_where_somebody_asks():
    around = Surroundings(StopSignals(), 1e-4, NO_GPU, 64)
    time.sleep(0.01)
    assert around.checkpoint_due()
    around.checkpointed()
    assert not around.checkpoint_due()
    by_epochs_alone = Surroundings(StopSignals(), 0, NO_GPU, 64)
    assert not by_epochs_alone.checkpoint_due()
    by_epochs_alone.checkpoint_wanted = True
    assert by_epochs_alone.checkpoint_due()


def test_terminal_that_is_gone_is_told_once():
    signals = StopSignals(b"")
    with signals.caught():
        os.kill(os.getpid(), signal.SIGHUP)
    around = Surroundings(signals, 0, NO_GPU, 64)
    assert [news.what for news in around.news()] == ["terminal"]
    assert around.news() == []


def total_with_another_worker(values):
    return [value + other for value, other in zip(values, (0, 0, 0, 1), strict=True)]


def test_checkpoint_that_one_worker_is_asked_for_is_all_workers():
    asked = check_stop(StopSignals(), lambda: False, total_with_another_worker)
    assert asked
    assert not check_stop(StopSignals(), lambda: False, list)


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (signal.SIGINT, Cause.SIGNAL),
        (signal.SIGTERM, Cause.PREEMPTED),
        (signal.SIGUSR1, Cause.PREEMPTED),
        (signal.SIGXCPU, Cause.PREEMPTED),
    ],
)
def test_who_ends_a_run_is_its_cause(number, cause):
    signals = StopSignals(b"")
    with signals.caught():
        os.kill(os.getpid(), number)
        if cause is Cause.PREEMPTED:
            os.kill(os.getpid(), number)  # schedulers repeat themselves
        else:
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), number)
    with pytest.raises(Stop) as stopped:
        check_stop(signals, lambda: False, list)
    assert (stopped.value.reason, stopped.value.cause) == ("interrupted", cause)
    assert str(stopped.value) == f"interrupted by {number.name}"


def test_batch_that_fits_grows_with_what_is_free():
    memory = Memory(int(80 * GIB), int(GIB))
    assert memory.fits(int(4 * GIB), 512) == 0.9 * 78 / 2 * 512 // 8 * 8
    assert memory.said(int(4 * GIB), 512).startswith(
        "memory    4.0 of 80.0 GiB of the GPU; batches"
    )
    assert memory.fits(int(79 * GIB), 512) == 512, "it ran: it fits"
    memory.require_room()
    with pytest.raises(UserError, match=r"take 2\.0 GiB, and the GPU has 1\.5; take a smaller"):
        Memory(int(1.5 * GIB), int(GIB)).require_room()
    assert NO_GPU.after_a_window(64) == ""
    NO_GPU.require_room()


def test_out_of_memory_names_what_is_large_and_what_takes_less():
    text = Task().too_large(Plan(1, 10, accumulation=2, batch=512))
    assert text == (
        "out of memory with batches of 512 examples, 2 a window: try a batch of 256 and an "
        "accumulation of 4"
    )


def test_run_that_goes_on_elsewhere_says_what_is_not_promised(tmp_path):
    run = RunDirectory.create(tmp_path / "run", dump_config(Config()), ["test"])
    here = Machine("a GPU", 8, 2)
    assert moved(run, here) == []
    with EventWriter(run.events_path) as writer:
        writer.write(Session(1, time.time(), 0, 0, 10, 1, 10))
    assert moved(run, here) == [], "of an older version, which did not say"
    with EventWriter(run.events_path) as writer:
        writer.write(Session(2, time.time(), 0, 0, 10, 1, 10, **here._asdict()))
    assert moved(run, here) == []
    lines = moved(run, Machine("a processor", 4, 1))
    assert lines[0].startswith("computed on a GPU until now, on a processor from here")
    assert lines[1].startswith("computed with 8 threads until now, 4 from here")
    assert lines[2].startswith("2 replicas until now, 1 from here")
    assert all(line.endswith("the run goes on, but not to the same bits") for line in lines)
    assert crowded(1) == ""
    assert "slower, to the same bits" in crowded(10_000)
