"""The event log: what is written is read, and nothing that stands there raises."""

import math
import resource
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ris_tf.runlog import (
    CheckpointEvent,
    End,
    Epoch,
    EventTail,
    EventWriter,
    Notice,
    RunError,
    RunLog,
    Sample,
    Series,
    Session,
    Step,
    Steps,
    Validation,
    decode,
    encode,
    read_run_log,
)
from ris_tf.runlog import reader as reader_module
from ris_tf.runlog.events import KINDS, encode_step
from ris_tf.runlog.reader import decode_lines

numbers = st.floats(allow_nan=False, allow_infinity=False)
# Other characters are made visible when they are read.
texts = st.text(
    st.characters(exclude_categories=["C", "Z"], include_characters=" "), max_size=30
).filter(str.isprintable)
counts = st.integers(0, 2**53)
BY_TYPE = {
    int: counts,
    float: numbers,
    str: texts,
    bool: st.booleans(),
    list[str]: st.lists(texts, max_size=4),
    list[float]: st.lists(numbers, max_size=4),
    dict[str, float]: st.dictionaries(texts, numbers, max_size=4),
    dict[str, Any]: st.dictionaries(texts, numbers | texts, max_size=4),
}
events = st.one_of(
    [
        st.builds(kind, **{item.name: BY_TYPE[item.type] for item in fields(kind)})
        for kind in KINDS.values()
    ]
)


@given(events)
def test_events_come_back(event):
    assert decode(encode(event).rstrip(b"\n")) == event


@given(events, st.text(min_size=1))
def test_unknown_fields_and_kinds_are_skipped(event, name):
    import orjson

    document = orjson.loads(encode(event))
    assert decode(orjson.dumps({f"x{name}": 1, **document})) == event
    assert decode(orjson.dumps({**document, "kind": "of the future"})) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(KINDS)), st.dictionaries(texts, json_values), st.data())
def test_wrong_types_are_no_event(kind, extra, data):
    import orjson

    given_fields = {item.name: data.draw(json_values) for item in fields(KINDS[kind])}
    event = decode(orjson.dumps({**extra, **given_fields, "kind": kind}))
    assert event is None or isinstance(event, KINDS[kind])


def test_not_finite_is_null_and_nan_again(tmp_path):
    with EventWriter(tmp_path / "e") as writer:
        writer.write(Series(["a", "b"]))
        writer.step(0, 0, 1.0, [math.nan, -math.inf])
    assert b"[null,null]" in (tmp_path / "e").read_bytes()
    log = read_run_log(tmp_path / "e")
    assert np.isnan([log.column("a"), log.column("b")]).all()


@pytest.mark.parametrize("step", [2**63, 2**64 - 1, -(2**63) - 1])
def test_numbers_that_fit_no_column_are_no_event(tmp_path, step):
    line = encode(Step(7, 0, 1.0, [1.0]))
    path = tmp_path / "e"
    path.write_bytes(encode(Series(["a"])) + line.replace(b"7", str(step).encode(), 1) + line)
    np.testing.assert_array_equal(read_run_log(path).steps, [7])


def test_numpy_numbers_and_odd_texts_can_be_written():
    event = decode(encode(Validation(0, 1, 2.0, "ema", {"loss": np.float32(0.5)})))  # type: ignore
    assert event == Validation(0, 1, 2.0, "ema", {"loss": 0.5})
    assert decode(encode(Notice(1.0, "info", "\udcff.yaml"))) == Notice(1.0, "info", "\\udcff.yaml")


def test_steps_keep_six_digits(tmp_path):
    with EventWriter(tmp_path / "e") as writer:
        writer.write(Series(["a"]))
        writer.step(0, 0, 1.0, np.array([math.pi * 1e-9], np.float32))
    assert b"[3.14159e-9]" in (tmp_path / "e").read_bytes()


def test_counts_keep_all_their_digits(tmp_path):
    """The order of updates is told from counts of windows, of which there may be millions."""
    with EventWriter(tmp_path / "e") as writer:
        writer.write(Series(["iteration"]))
        for count in (1_234_567, 1_234_568):
            writer.step(count, 0, 1.0, np.array([count], np.float32))
    np.testing.assert_array_equal(
        read_run_log(tmp_path / "e").column("iteration"), [1_234_567, 1_234_568]
    )


def small_log(path, steps=5):
    with EventWriter(path) as writer:
        writer.write(Session(1, 0.0, 0, 0, steps, 1, steps))
        writer.write(Series(["loss", "ok"]))
        for i in range(steps):
            writer.step(i, 0, float(i), [1.0 / (i + 1), 1.0])
        writer.write(Epoch(0, steps - 1, 9.0, 8.0, 10.0, ["x"]))
        writer.write(Validation(0, steps - 1, 9.0, "ema", {"loss": 0.5}))
        writer.write(Notice(9.0, "info", "hello"))
        writer.write(Sample(1, 0, 9.0, "samples/a.npz"))
        writer.write(CheckpointEvent(steps, 1, 9.0, "checkpoints/last.npz", True))
        writer.write(End(10.0, steps, "finished", "done"))
        return writer.length


AS_WRITTEN = encode_step(3, 1, 2.0, [1.5, math.nan]).rstrip(b"\n")
ODD_STEPS = (
    [
        AS_WRITTEN.replace(b"1.5", value)
        for value in (b'"1.5"', b"true", b"[1]", b"1e400", b"", b"1.5,2", b"{}", b"1" * 400)
    ]
    + [
        AS_WRITTEN.replace(b'"step":3', b'"step":' + value)
        for value in (b"null", b"2.5", b"9223372036854775808", b'"3"', b"false", b"[3]")
    ]
    + [AS_WRITTEN[:-1], AS_WRITTEN + b"}", AS_WRITTEN + b"," + AS_WRITTEN, AS_WRITTEN + b" "]
)


@given(st.lists(st.sampled_from([AS_WRITTEN, *ODD_STEPS]), max_size=8))
def test_steps_by_the_block_are_those_one_by_one(lines):
    blocks = [event for event in decode_lines(lines) if event is not None]
    single = [event for line in lines if (event := decode(line)) is not None]
    together, one_by_one = RunLog(), RunLog()
    for log, found in ((together, blocks), (one_by_one, [Steps.of(step) for step in single])):
        log.append(Series(["a", "b", "c"]))
        for event in found:
            log.append(event)
    for name in ("a", "b", "c"):
        np.testing.assert_array_equal(together.column(name), one_by_one.column(name))
    for name in ("steps", "epochs", "times"):
        np.testing.assert_array_equal(getattr(together, name), getattr(one_by_one, name))


def test_a_snapshot_stays_as_it_was_while_the_log_grows():
    log, rows = RunLog(), np.arange(100)
    log.append(Series(["a"]))
    log.append(Steps(rows, rows, rows / 1.0, rows[:, None] / 1.0))
    before = log.snapshot()
    log.append(Series(["b", "a"]))
    log.append(Steps(rows, rows, rows / 1.0, np.ones((100, 2))))
    log.append(Notice(1.0, "info", "later"))
    assert (len(before), len(log)) == (100, 200)
    np.testing.assert_array_equal(before.column("a"), rows)
    assert before.names == ["a"]
    assert not before.notices
    assert np.isnan(log.column("b")[:100]).all()


def test_log_as_columns(tmp_path):
    assert small_log(tmp_path / "e") == (tmp_path / "e").stat().st_size
    log = read_run_log(tmp_path / "e")
    np.testing.assert_array_equal(log.steps, range(5))
    np.testing.assert_allclose(log.column("loss"), 1 / np.arange(1, 6), rtol=1e-5)
    assert np.isnan(log.column("no such")).all()
    assert log.end is not None
    assert [len(x) for x in (log.sessions, log.epoch_ends, log.validations)] == [1, 1, 1]
    assert [len(x) for x in (log.notices, log.samples, log.checkpoints)] == [1, 1, 1]


def test_missing_log_is_empty(tmp_path):
    log = read_run_log(tmp_path / "none")
    assert len(log.steps) == 0
    assert log.end is None


@given(st.integers(0, 1200), st.binary(max_size=40), st.integers(0, 1200))
def test_damaged_log_never_raises(tmp_path_factory, cut, garbage, place):
    path = tmp_path_factory.mktemp("log") / "e"
    small_log(path)
    data = path.read_bytes()
    path.write_bytes(data[:place] + garbage + data[place:][:cut])
    log = read_run_log(path)
    assert len(log.steps) <= 5


def test_torn_last_line_waits_for_its_rest(tmp_path):
    path = tmp_path / "e"
    line = encode(Notice(1.0, "info", "whole"))
    path.write_bytes(line + line[:10])
    tail = EventTail(path)
    assert len(tail.poll()) == 1
    assert tail.poll() == []
    with path.open("ab") as file:
        file.write(line[10:])
    assert tail.poll() == [Notice(1.0, "info", "whole")]
    assert tail.skipped == 0


def test_gigantic_line_is_skipped_without_being_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(reader_module, "LONGEST_LINE", 1000)
    monkeypatch.setattr(reader_module, "CHUNK", 256)
    path = tmp_path / "e"
    line = encode(Notice(1.0, "info", "kept"))
    path.write_bytes(line + b"x" * 5000 + b"\n" + line)
    tail = EventTail(path)
    assert [e.text for e in tail.poll() if isinstance(e, Notice)] == ["kept", "kept"]
    assert tail.skipped == 1


def test_resumed_log_is_cut_and_read_again(tmp_path):
    path = tmp_path / "e"
    small_log(path)
    tail = EventTail(path)
    assert sum(len(e.steps) if isinstance(e, Steps) else 1 for e in tail.poll()) == 13
    length = path.read_bytes().index(b'{"kind":"step","step":3')
    with EventWriter(path, length) as writer:
        writer.write(Session(2, 0.0, 3, 0, 5, 1, 5))
        for i in range(3, 30):
            writer.step(i, 0, float(i), [0.0, 1.0])
    events = tail.poll()
    assert tail.restarted
    steps = [e.steps for e in events if isinstance(e, Steps)]
    np.testing.assert_array_equal(np.concatenate(steps), range(30))


def test_cut_log_starts_again(tmp_path):
    path = tmp_path / "e"
    small_log(path)
    tail = EventTail(path)
    tail.poll()
    path.write_bytes(path.read_bytes()[:300])
    assert tail.poll()
    assert tail.restarted
    path.unlink()
    assert tail.poll() == []
    assert tail.restarted


def test_damage_longer_than_a_poll_hides_nothing_behind_it(tmp_path, monkeypatch):
    poll = EventTail.poll
    monkeypatch.setattr(reader_module, "CHUNK", 256)
    monkeypatch.setattr(EventTail, "poll", lambda tail, limit: poll(tail, limit=512))
    line = encode(Notice(1.0, "info", "kept"))
    (tmp_path / "e").write_bytes(line + b"garbage\n" * 1000 + line)
    assert len(read_run_log(tmp_path / "e").notices) == 2


def test_run_resumed_while_it_is_read_counts_once(tmp_path, monkeypatch):
    path = tmp_path / "e"
    small_log(path)
    kept = path.read_bytes().index(b'{"kind":"step","step":3')
    poll, polls = EventTail.poll, []
    monkeypatch.setattr(reader_module, "CHUNK", kept + 50)

    def resumed_after_the_first(tail, limit):
        events = poll(tail, limit=1)
        polls.append(events)
        if len(polls) == 1:
            with EventWriter(path, kept) as writer:
                writer.write(Session(2, 0.0, 3, 0, 5, 1, 5))
                for i in range(3, 20):
                    writer.step(i, 0, float(i), [0.0, 1.0])
        return events

    monkeypatch.setattr(EventTail, "poll", resumed_after_the_first)
    log = read_run_log(path)
    np.testing.assert_array_equal(log.steps, range(20))
    assert [session.session for session in log.sessions] == [1, 2]


def test_outline_has_everything_but_steps_inside_an_epoch(tmp_path):
    path = tmp_path / "e"
    small_log(path)
    whole, outline = read_run_log(path), read_run_log(path, outline=True)
    np.testing.assert_array_equal(outline.steps, whole.steps[-1:])
    for name in whole.names:
        np.testing.assert_array_equal(outline.column(name), whole.column(name)[-1:])
    for name in ("sessions", "epoch_ends", "validations", "notices", "checkpoints", "end"):
        assert getattr(outline, name) == getattr(whole, name)


@pytest.mark.parametrize("torn", [b"", b'{"kind":"no', b"x" * 200_000])
def test_writer_without_a_length_keeps_whole_lines(tmp_path, torn):
    path = tmp_path / "e"
    length = small_log(path)
    with path.open("ab") as file:
        file.write(torn)
    with EventWriter(path) as writer:
        assert writer.length == length
        writer.write(Notice(2.0, "info", "appended"))
    assert [notice.text for notice in read_run_log(path).notices] == ["hello", "appended"]


def test_log_shorter_than_its_checkpoint_is_refused(tmp_path):
    (tmp_path / "e").write_bytes(b"short\n")
    with pytest.raises(RunError, match=r"the log was cut: .* counts on 100; start"):
        EventWriter(tmp_path / "e", 100)


def test_full_disk_surfaces_and_leaves_whole_lines(tmp_path):
    """A file size limit stands in for a full disk: the write is cut short, then refused."""
    import signal

    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    writer = EventWriter(tmp_path / "e")
    writer.write(Notice(1.0, "info", "fits"))
    length = writer.length
    resource.setrlimit(resource.RLIMIT_FSIZE, (length + 20, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            writer.write(Notice(1.0, "info", "does not fit"))
        assert writer.length == length == (tmp_path / "e").stat().st_size
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    writer.write(Notice(1.0, "info", "fits again"))
    assert len(read_run_log(tmp_path / "e").notices) == 2


def test_outline_of_a_chunk_without_a_whole_line(tmp_path):
    (tmp_path / "e").write_bytes(b"\0")
    assert len(read_run_log(tmp_path / "e", outline=True)) == 0
