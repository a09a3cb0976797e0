"""No code depends on the wording of a message: searches go on alike in another language."""

import ast
import shutil
import time
from dataclasses import replace

import orjson
import pytest

from ris_tf.config import dump_config
from ris_tf.runlog import (
    Cause,
    End,
    EventWriter,
    Notice,
    RunDirectory,
    Series,
    Session,
    Validation,
    check_health,
    summarize,
)
from ris_tf.search import Choices, Range, Search, SearchDirectory, Trial, TrialState
from ris_tf.search.running.budget import trial_config
from ris_tf.search.running.oracle import make_oracle
from ris_tf.search.running.outcome import repair, with_outcome
from ris_tf.search.running.pruning import given_up
from ris_tf.search.running.results import write_results

SPACE = {"training.learning_rate": Range(1e-4, 1e-2, log=True), "network.width": Choices((16, 24))}
TEXTS = ("text", "reason")  # fields that hold sentences; of an end event, `reason` is none
ENDS = {
    1: ("finished", "3 epochs", ""),
    2: ("early", "no better validation loss for 2 epochs", "patience"),
    3: ("pruned", "worse than the median of 8 earlier trials", "median"),
    4: ("stopped", "stopped on request", "on request"),
    5: ("interrupted", "interrupted by SIGTERM", "signal"),
    6: ("failed", "ResourceExhaustedError: OOM when allocating", "out of memory"),
    7: ("failed", "3 windows in a row were not finite", "not finite"),
    8: ("failed", "20 windows in a row were not finite", "not finite"),
    9: ("failed", "5 windows in a row were not finite", "not finite"),
    10: (None, "", ""),
}
LEFT_OUT = 11  # somebody stopped its run alone
TRIALS = 14


@pytest.fixture
def search(tmp_path, make_config):
    """A search with a trial of every fate; nobody works on it."""
    plan = Search(algorithm="random", trials=TRIALS, epochs=3, space=SPACE)
    made = SearchDirectory.create(tmp_path / "english", plan, ["test"], make_config())
    oracle = make_oracle(made, made.config())
    for number in range(LEFT_OUT):
        oracle.create_trial(f"worker{number}")
    for trial in made.trials():
        end = ENDS.get(trial.number, ("stopped", "stopped on request", "on request"))
        run = _run(made, trial, *end)
        told = replace(with_outcome(trial, run), worker="", ended=float(trial.number))
        if trial.number == LEFT_OUT:
            told = replace(told, state=TrialState.PRUNED)
        made.write_trial(told)
    (made.trial_path(3) / "trial.json").write_text("{")  # to be told by its run
    return made


def _run(search: SearchDirectory, trial: Trial, reason, text, cause) -> RunDirectory:
    config = trial_config(search.config(), trial.hyperparameters, 3, None)
    path = search.trial_path(trial.number)
    run = RunDirectory.create(path, dump_config(config), ["test"], into=True)
    events = EventWriter(run.events_path, 0)
    events.write(Session(1, 1.0, 0, 0, 12, 3, 4))
    events.write(Series(["loss", "ok", "scale", "iteration"]))
    for epoch in range(3):
        for window in range(4 * epoch, 4 * epoch + 4):
            ok = window != 5
            events.step(window, epoch, 2.0, [1.0 / (window + 1), float(ok), 1.0, window + ok])
        values = {"loss": 2.0, "objective": trial.number + 1 / (epoch + 1)}
        events.write(Validation(epoch, 4 * epoch + 3, 2.0, weights="raw", values=values))
    events.write(Notice(2.0, "warning", "window 5 dropped: the loss is not finite"))
    if reason:
        events.end(End(3.0, 12, reason, text, cause))
    return run


def _translated(document, names):
    words = {name: f"Satz {len(document[name])}" for name in names if document.get(name)}
    return orjson.dumps(document | words)


def in_another_language(search: SearchDirectory) -> SearchDirectory:
    """A copy of a search in which every sentence reads otherwise."""
    copy = search.path.with_name("deutsch")
    shutil.copytree(search.path, copy)
    for path in copy.glob("trial_*/trial.json"):
        if path.read_bytes() != b"{":
            path.write_bytes(_translated(orjson.loads(path.read_bytes()), TEXTS))
    for path in copy.glob("trial_*/events.jsonl"):
        lines = [orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
        path.write_bytes(b"".join(_translated(line, ["text"]) + b"\n" for line in lines))
    return SearchDirectory.open(copy)


def behaviour(search: SearchDirectory) -> dict:
    """Everything that programs do with a search, without the sentences."""
    config = search.config()
    repaired = len(repair(search, config))
    trials = search.trials()
    runs = [RunDirectory.open(trial.path) for trial in trials]
    told = [with_outcome(trial, run) for trial, run in zip(trials, runs, strict=True)]
    ending = given_up(trials)
    ten = ("number", "state", "cause", "objective", "epochs", "settled", "counts", "left_out")
    write_results(search, config)
    found = {
        "repaired": repaired,
        "trials": [[getattr(trial, name) for name in ten] for trial in trials],
        "told": [[getattr(trial, name) for name in ten] for trial in told],
        "runs": [str(summarize(run, time.time()).state) for run in runs],
        "levels": [[str(check.level) for check in check_health(run.log())] for run in runs],
        "given up": ending and ending.cause,
        "best": (search.path / "best.yaml").exists(),
    }
    # Let the search go on, as if what failed was past.
    search.begin_session(["test"])
    oracle = make_oracle(search, config)
    found["known"] = {name: trial.status for name, trial in oracle.trials.items()}
    found["drawn"] = [
        (trial.trial_id, trial.status, dict(trial.hyperparameters.values))
        for trial in (oracle.create_trial(f"worker{number}") for number in range(5))
    ]
    return found


def test_search_goes_on_alike_in_another_language(search):
    other = in_another_language(search)
    expected, found = behaviour(search), behaviour(other)
    assert found == expected
    texts = [trial.reason for trial in other.trials() if trial.reason]
    assert len(texts) >= 8
    assert all(text.startswith("Satz ") for text in texts)
    states = {number: state for number, state, *_ in expected["trials"]}
    assert [states[number] for number in (1, 2, 3)] == ["finished", "finished", "pruned"]
    assert [states[number] for number in (6, 7, 8, 9)] == ["failed"] * 4
    assert expected["given up"] is None  # a trial that somebody stopped came after the failures
    known = expected["known"]
    assert known["10"] == "FAILED"  # left out: nothing is built upon it
    assert known["02"] == "COMPLETED"


def test_search_gives_up_alike_in_another_language(search):
    alike = [
        Trial(n, state=TrialState.FAILED, reason=text, cause=Cause.DISK, ended=float(n))
        for n, text in enumerate(("voll: a", "disk: b", "plein"), start=1)
    ]
    ending = given_up(alike)
    assert ending is not None
    assert ending.cause == Cause.DISK


CUT_UP = ("startswith", "endswith", "partition", "rpartition", "split", "find", "removeprefix")
SENTENCES = ("reason", "text")  # attributes of trials, events and errors that people read


def is_sentence(node: ast.expr) -> bool:
    """Whether an expression is a message: an error as text, or a field that holds sentences."""
    if isinstance(node, ast.Call):
        return (
            isinstance(node.func, ast.Name)
            and node.func.id == "str"
            and len(node.args) == 1
            and isinstance(node.args[0], ast.Name)
            and node.args[0].id in ("error", "stop", "exception", "problem")
        )
    return isinstance(node, ast.Attribute) and node.attr in SENTENCES


def is_text(node: ast.expr) -> bool:
    literal = isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value
    return bool(literal) or isinstance(node, ast.JoinedStr)


def decisions_by_wording(source: str) -> list[int]:
    """Lines that cut a message up, search in it, or compare it with a text."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            spaces = node.func.attr == "split" and not node.args  # only joined again
            cut = node.func.attr in CUT_UP and is_sentence(node.func.value) and not spaces
            matched = (
                isinstance(node.func.value, ast.Name)
                and node.func.value.id == "re"
                and any(map(is_sentence, node.args))
            )
            if cut or matched:
                lines.append(node.lineno)
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            inside = any(isinstance(op, ast.In | ast.NotIn) for op in node.ops)
            if any(map(is_sentence, sides)) and (
                any(map(is_text, sides)) or (inside and is_sentence(sides[-1]))
            ):
                lines.append(node.lineno)
    return lines


@pytest.mark.parametrize(
    "source",
    [
        "trial.reason.startswith('stopped')",
        "kinds = {t.reason.partition(':')[0] for t in last}",
        "key in str(error)",
        "f'{key} = ' in str(error)",
        "outcome.reason == 'failed'",
        "re.search(pattern, notice.text)",
        "told = '' if trial.reason == f'{n} epochs' else trial.reason",
    ],
)
def test_decisions_by_wording_are_found(source):
    assert decisions_by_wording(source)


def test_nothing_is_decided_by_wording(root):
    found = {
        str(path.relative_to(root)): lines
        for path in sorted((root / "ris_tf").rglob("*.py"))
        if (lines := decisions_by_wording(path.read_text("utf-8")))
    }
    assert found == {}
