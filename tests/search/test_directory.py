"""A search on disk: written whole, read with care, never believed where it is damaged."""

import math
import os
import threading
import time
from dataclasses import replace

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ris_tf.config import Config, dump_config
from ris_tf.runlog import (
    Cause,
    End,
    EventWriter,
    RunDirectory,
    RunError,
    Session,
    find_runs,
)
from ris_tf.search import (
    Choices,
    Range,
    Search,
    SearchDirectory,
    SearchReader,
    Trial,
    TrialState,
    find_searches,
    is_search,
    parse_entry,
)
from ris_tf.search.trial import decode_trial, encode_trial

RATE, WIDTH = "training.learning_rate", "network.width"
SPACE = {WIDTH: Choices((448, 512)), RATE: Range(1e-4, 1e-3, log=True)}
DONE = Trial(
    3, {WIDTH: 448, RATE: 3e-4}, TrialState.FINISHED, 0.71, "", 12, started=100.0, ended=160.0
)


@pytest.fixture
def search(tmp_path):
    asked = Search(
        algorithm="random", objective="validation loss", trials=8, epochs=12, space=SPACE,
        defaults={WIDTH: 512, RATE: 3e-4},
    )  # fmt: skip
    return SearchDirectory.create(tmp_path / "runs" / "wide", asked, ["ris-tf", "tune"])


def test_search_is_read_as_it_was_made(search):
    again = SearchDirectory.open(search.path).search
    assert again == search.search
    assert (again.name, again.pid, again.space) == ("wide", os.getpid(), SPACE)
    assert is_search(search.path)
    assert not is_search(search.path.parent)


def test_only_one_of_several_workers_makes_a_search(tmp_path):
    made, refused = [], []

    def work():
        try:
            made.append(SearchDirectory.create(tmp_path / "s", Search(space=SPACE)))
        except RunError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert all("exists; go on with that search" in line for line in refused)
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (Choices(()), "choices"),
        (Range(1.0, 1.0), "must be below most"),
        (Range(0.0, 1.0, log=True), "must be above 0"),
        (Range(math.nan, 1.0), "must be a number"),
    ],
)
def test_spaces_that_cannot_be_searched(tmp_path, entry, message):
    with pytest.raises(RunError, match=message):
        SearchDirectory.create(tmp_path / "s", Search(space={RATE: entry}))
    assert not (tmp_path / "s").exists()


def test_entries_of_a_space_as_yaml_writes_them():
    assert parse_entry(WIDTH, {"choices": [448, 512]}) == Choices((448, 512))
    assert parse_entry(RATE, {"least": 1, "most": 2}) == Range(1, 2)
    with pytest.raises(RunError, match=r"rate\.scale = 'logarithmic': must be linear or log"):
        parse_entry("rate", {"least": 1, "most": 2, "scale": "logarithmic"})
    with pytest.raises(RunError, match=r"rate\.min: unknown; valid here: least, most, scale"):
        parse_entry("rate", {"min": 1, "max": 2})


values = st.one_of(
    st.integers(-(10**9), 10**9), st.floats(-1e30, 1e30), st.booleans(), st.none(),
    st.text(max_size=9),
)  # fmt: skip
trials = st.builds(
    Trial,
    number=st.integers(0, 9999),
    hyperparameters=st.dictionaries(
        st.text(max_size=9), values | st.lists(values, max_size=3).map(tuple), max_size=4
    ),
    state=st.sampled_from([state for state in TrialState if state != "lost"]),
    objective=st.floats(-1e30, 1e30),
    reason=st.sampled_from(["", "not finite at step 4"]),
    cause=st.sampled_from([None, *Cause]),
    epochs=st.integers(0, 100),
    started=st.floats(0, 1e10),
    ended=st.floats(0, 1e10),
)


@given(trials)
def test_a_trial_is_read_as_it_was_written(trial):
    assert decode_trial(encode_trial(trial)) == trial


@given(trials, st.data())
def test_a_torn_trial_is_none(trial, data):
    whole = encode_trial(trial)
    assert decode_trial(whole[: data.draw(st.integers(0, len(whole) - 1))]) is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=200)
@given(st.sampled_from(list(orjson.loads(encode_trial(DONE)))), ANYTHING)
def test_a_trial_with_a_field_of_another_type_is_not_believed(name, value):
    document = orjson.loads(encode_trial(DONE)) | {name: value}
    read = decode_trial(orjson.dumps(document))
    if read is None:
        return
    shown = orjson.loads(encode_trial(read))  # the value was a fitting one, and is what is shown
    if name in ("reason", "worker", "cause"):  # made one line; a cause not known here is none
        assert isinstance(value, str)
    else:
        assert shown[name] == orjson.loads(orjson.dumps(value))  # NaN is null
    assert {k: v for k, v in shown.items() if k != name} == {
        k: v for k, v in document.items() if k != name
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("number", "3"), ("number", 3.5), ("number", -1), ("number", True), ("number", 10**12),
        ("state", "done"), ("state", "lost"), ("state", None), ("state", ["finished"]),
        ("objective", "0.1"), ("objective", True), ("objective", [0.1]), ("objective", 1e300),
        ("epochs", 1.5), ("epochs", "12"), ("started", -1), ("ended", "now"), ("reason", 4),
        ("cause", 4), ("hyperparameters", [1]), ("hyperparameters", {"a": {"b": 1}}),
        ("hyperparameters", {"a": [[1]]}), ("hyperparameters", {"a": 1e300}),
    ],
)  # fmt: skip
def test_what_is_wrong_spoils_the_file(name, value):
    assert decode_trial(orjson.dumps(orjson.loads(encode_trial(DONE)) | {name: value})) is None


def test_what_is_missing_is_empty():
    assert decode_trial(b'{"number": 4, "state": "waiting"}') == Trial(4)
    assert decode_trial(b'{"number": 4}') is None


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["search.json", "trial_0003/trial.json", "trial_0003/run.json",
                     "trial_0003/events.jsonl"]),
    st.binary(max_size=60) | ANYTHING.map(orjson.dumps)
    | st.dictionaries(
        st.sampled_from(["space", "defaults", "trials", "pid", "number", "state", "host", "command",
                         "hyperparameters", "created"]), ANYTHING, max_size=4).map(orjson.dumps),
)  # fmt: skip
def test_garbage_raises_nothing_but_one_line(tmp_path_factory, name, data):
    base = tmp_path_factory.mktemp("garbage")
    search = SearchDirectory.create(base / "s", Search(space=SPACE))
    (base / "s" / "trial_0003").mkdir()
    search.write_trial(replace(DONE, number=1))
    (base / "s" / name).write_bytes(data)
    reader = SearchReader(base / "s")
    try:
        reader.poll()
        reader.poll()
    except RunError as error:
        assert name == "search.json"
        assert "\n" not in str(error)
        return
    assert next(trial for trial in reader.trials if trial.number == 1).objective == 0.71
    assert len(find_searches(base)) == 1


def test_a_file_beyond_the_limit_is_not_read(search):
    search.write_trial(DONE)
    path = search.trial_path(3) / "trial.json"
    path.write_bytes(path.read_bytes() + b" " * 1_000_000)
    assert search.trials() == []
    (search.path / "search.json").write_bytes(b" " * 1_000_001)
    with pytest.raises(RunError, match="JSON object of at most 1,000,000 bytes"):
        SearchDirectory.open(search.path)


def test_a_pipe_in_place_of_a_file_is_not_waited_for(search):
    (search.path / "trial_0001").mkdir()
    os.mkfifo(search.path / "trial_0001" / "trial.json")
    found = []
    thread = threading.Thread(target=lambda: found.append(search.trials()), daemon=True)
    thread.start()
    thread.join(5)
    assert found == [[]]


def test_no_search_is_refused_in_one_line(tmp_path):
    with pytest.raises(RunError, match="so it is no search"):
        SearchDirectory.open(tmp_path)
    with pytest.raises(RunError, match="does not exist; ris-tf tune makes"):
        SearchReader(tmp_path / "nowhere").poll()


def test_searches_are_found_below_and_their_trials_are_runs(search, tmp_path):
    RunDirectory.create(search.trial_path(1), dump_config(Config()), [])
    second = SearchDirectory.create(tmp_path / "later" / "narrow", Search(space=SPACE))
    (tmp_path / "link").symlink_to(tmp_path)
    assert [found.path.name for found in find_searches(tmp_path)] == ["wide", "narrow"]
    assert [found.path for found in find_searches(second.path)] == [second.path]
    assert [run.path.name for run in find_runs(search.path)] == ["trial_0001"]


def test_only_what_changed_is_read_again(search, monkeypatch):
    from ris_tf.search import trial_reader

    opened = []
    read = trial_reader.read_limited
    monkeypatch.setattr(
        trial_reader, "read_limited", lambda path: opened.append(path) or read(path)
    )
    for number in range(1, 5):
        search.write_trial(replace(DONE, number=number))
    reader = SearchReader(search.path)
    assert reader.poll()
    assert [trial.number for trial in reader.trials] == [1, 2, 3, 4]
    opened.clear()
    assert not reader.poll()
    assert opened == []
    search.write_trial(replace(DONE, number=2, objective=0.5))
    assert reader.poll()
    assert [path.parent.name for path in opened] == ["trial_0002"]
    assert reader.trials[1].objective == 0.5


def test_a_thousand_trials_are_read_quickly(search):
    for number in range(1, 1001):
        folder = search.trial_path(number)
        folder.mkdir()
        (folder / "trial.json").write_bytes(encode_trial(replace(DONE, number=number)))
    reader = SearchReader(search.path)
    began = time.perf_counter()
    reader.poll()
    first, began = time.perf_counter() - began, time.perf_counter()
    reader.poll()
    assert len(reader.trials) == 1000
    assert first < 2.0  # 0.1 s on an idle machine
    assert time.perf_counter() - began < 0.5  # 0.01 s


def log_of(run, *events):
    with EventWriter(run.events_path) as writer:
        for event in events:
            writer.write(event)


SESSION = Session(1, 100.0, 0, 0, 8, 2, 4)


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([SESSION, End(110.0, 8, "finished", "all windows")], "finished"),
        ([SESSION, End(110.0, 8, "failed", "not finite")], "failed"),
        ([SESSION, End(110.0, 8, "interrupted", "signal")], "lost"),
        ([SESSION], "running"),
    ],
)
@pytest.mark.parametrize("content", [b'{"number": 3, "objective": 0.0', None])
def test_a_torn_trial_is_told_by_its_run(search, events, state, content):
    run = RunDirectory.create(search.trial_path(3), dump_config(Config()), [])
    log_of(run, *events)
    if content is not None:
        (run.path / "trial.json").write_bytes(content)
    (trial,) = search.trials()
    assert (trial.number, trial.state, trial.path) == (3, state, run.path)
    assert trial.damaged
    assert math.isnan(trial.objective)
    assert not trial.hyperparameters


@pytest.mark.parametrize("pid", [-1, 2**31, 2**63 - 1, True])
@pytest.mark.parametrize("content", [b"torn", encode_trial(replace(DONE, state="running"))])
def test_a_process_that_cannot_be(search, pid, content):
    run = RunDirectory.create(search.trial_path(3), dump_config(Config()), [])
    identity = orjson.loads((run.path / "run.json").read_bytes())
    (run.path / "run.json").write_bytes(orjson.dumps(identity | {"pid": pid}))
    (run.path / "trial.json").write_bytes(content)
    assert len(search.trials()) <= 1


def test_a_running_trial_whose_worker_is_gone_is_lost(search):
    run = RunDirectory.create(search.trial_path(3), dump_config(Config()), [])
    search.write_trial(replace(DONE, state=TrialState.RUNNING, objective=math.nan))
    reader = SearchReader(search.path)
    reader.poll()
    assert reader.trials[0].state == "running"
    identity = orjson.loads((run.path / "run.json").read_bytes())
    (run.path / "run.json").write_bytes(orjson.dumps(identity | {"pid_started": 1.0}))
    assert reader.poll()
    assert reader.trials[0].state == "lost"
    other = identity | {"host": "elsewhere"}
    (run.path / "run.json").write_bytes(orjson.dumps(other))
    reader.poll()
    assert reader.trials[0].state == "running"  # written to a moment ago
    late = SearchReader(search.path, clock=lambda: time.time() + 3600)
    late.poll()
    assert late.trials[0].state == "lost"


def test_what_could_not_be_read_again_is_not_written(search):
    with pytest.raises(RunError, match="number or hyperparameters"):
        search.write_trial(Trial(1, {WIDTH: {"a": 1}}))  # pyright: ignore[reportArgumentType]
    assert not search.trial_path(1).exists()


def test_a_reason_is_one_line(search):
    search.write_trial(replace(DONE, state=TrialState.FAILED, reason="out of\nmemory\x1b[31m" * 99))
    (trial,) = search.trials()
    assert trial.reason.startswith("out of memory")
    assert trial.reason.isprintable()
    assert len(trial.reason) <= 500


OLD = [
    ("failed", "out of memory: ResourceExhaustedError: OOM", Cause.OUT_OF_MEMORY),
    ("failed", "not finite: 3 windows in a row", Cause.NOT_FINITE),
    ("failed", "disk: /runs/x: cannot be written", Cause.DISK),
    ("failed", "refused: training: batch = 3: ...", Cause.REFUSED),
    ("failed", "damaged: trial.json, and config.yaml", Cause.DAMAGED),
    ("failed", "ValueError: x", Cause.ERROR),
    ("pruned", "stopped on request", Cause.ON_REQUEST),
    ("pruned", "worse than the median of 8 earlier trials", None),
    ("finished", "10 epochs", None),
    ("finished", "no better validation loss for 3 epochs", Cause.PATIENCE),
]


@pytest.mark.parametrize(("state", "reason", "cause"), OLD)
def test_files_from_before_causes_are_read(state, reason, cause):
    document = {"number": 1, "state": state, "reason": reason}
    read = decode_trial(orjson.dumps(document))
    assert read is not None
    assert (read.cause, read.reason) == (cause, reason)
    assert read.left_out == (cause == Cause.ON_REQUEST)


def test_a_cause_is_believed_whatever_the_reason_reads():
    document = {"number": 1, "state": "pruned", "reason": "stopped on request", "cause": "median"}
    read = decode_trial(orjson.dumps(document))
    assert read is not None
    assert (read.cause, read.left_out) == (Cause.MEDIAN, False)
