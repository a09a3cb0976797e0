"""A log in the formats of other programs: every value of it, and nothing half-written."""

import csv
import json
import math
import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from ris_tf.interop.target import BEST_WEIGHTS, whole
from ris_tf.runlog import EventWriter, Notice, Series, Session


def lines_of(run, kind):
    documents = map(json.loads, run.events_path.read_text().splitlines())
    return [document for document in documents if document["kind"] == kind]


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def same(text, value):
    return math.isnan(float(text)) if value is None else float(text) == value


def test_csv_has_every_value_of_the_log_to_the_last_bit(make_run, typed):
    run = make_run(skipped=(3,), scale=0.1)
    answer = typed("export", "runs/one", "--to", "csv")
    assert answer.code == 0, answer.err
    folder = run.path / "exports" / "csv"
    (names,) = (document["names"] for document in lines_of(run, "series"))
    steps = lines_of(run, "step")
    for row, document in zip(table(folder / "steps.csv"), steps, strict=True):
        assert int(row["step"]) == document["step"]
        assert all(same(row[n], v) for n, v in zip(names, document["values"], strict=True))
    validations = lines_of(run, "validation")
    for row, document in zip(table(folder / "validations.csv"), validations, strict=True):
        assert row["weights"] == document["weights"]
        assert all(same(row[name], value) for name, value in document["values"].items())
    (epoch, *_) = table(folder / "epochs.csv")
    assert (epoch["scenes_per_second"], epoch["untrained"]) == ("10.0", "[]")
    assert f"{folder}/steps.csv: {len(steps)} rows" in answer.out.replace("runs/one", str(run.path))


def test_csv_keeps_texts_missing_values_and_changed_series(tmp_path, make_run, typed):
    run = make_run(ended=None)
    text = 'a comma, "quotes"\nand a line'
    with EventWriter(run.events_path) as log:
        log.write(Session(2, 0.0, 40, 2, 40, 2, 20))
        log.write(Series(["loss", "new"]))
        log.step(40, 2, 1.5, [math.nan, 1 / 3])
        log.write(Notice(1.0, "warning", text, "dropped", {"scale": 2.0, "why": "inf"}))
    assert typed("export", "runs/one", "--to", "csv", "--out", "tables").code == 0
    rows = table(tmp_path / "tables" / "steps.csv")
    assert (rows[-1]["loss"], rows[-1]["new"], rows[-1]["ok"]) == ("nan", "0.333333", "")
    assert (rows[0]["new"], rows[0]["ok"]) == ("", "1.0")
    notice = table(tmp_path / "tables" / "notices.csv")[-1]
    assert notice["text"] == text.replace("\n", "\\n")  # one line is one line
    assert json.loads(notice["values"]) == {"scale": 2.0, "why": "inf"}


def test_tensorboard_reads_every_scalar(make_run, typed):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = make_run()
    assert typed("export", "runs/one", "--to", "tensorboard").code == 0
    (names,) = (document["names"] for document in lines_of(run, "series"))
    windows = lines_of(run, "step")
    read = {}
    for name in ("train", "validation"):
        folder = str(run.path / "exports" / "tensorboard" / name)
        read[name] = accumulators.EventAccumulator(folder, size_guidance={"scalars": 0})
        read[name].Reload()
    speed = {"epoch/seconds", "epoch/scenes_per_second"}
    assert set(read["train"].Tags()["scalars"]) == {*names, *speed}
    for place, name in enumerate(names):
        scalars = read["train"].Scalars(name)
        assert [s.step for s in scalars] == [w["step"] for w in windows]
        assert [s.wall_time for s in scalars] == [w["time"] for w in windows]
        wanted = np.array([w["values"][place] for w in windows], np.float32)
        np.testing.assert_array_equal(np.array([s.value for s in scalars], np.float32), wanted)
    validations = lines_of(run, "validation")
    assert [s.value for s in read["validation"].Scalars("loss")] == [
        np.float32(v["values"]["loss"]) for v in validations
    ]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--to", "matlab"), "--to matlab: must be one of savedmodel, onnx, tflite, tensorboard"),
        (("--to", "tflite", "--out", "a.onnx"), "--out a.onnx: must end in .tflite"),
        (("--to", "csv", "--out", "runs"), "runs: exists; choose another --out, or remove it"),
        (("--to", "csv", "--out", "file/csv"), "--out file/csv: cannot be written: "),
        (("--to", "savedmodel"), "runs/one: has no trained network yet; export it after"),
    ],
)
def test_refused_in_one_line(make_run, typed, tmp_path, words, line):
    make_run()
    (tmp_path / "file").touch()
    answer = typed("export", "runs/one", *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"ris-tf: {line}")
    assert len(answer.err.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "runs"]


@pytest.mark.parametrize(("to", "package"), [("tensorboard", "tensorboard"), ("onnx", "tf2onnx")])
def test_missing_package_is_named_with_the_command_that_installs_it(
    make_run, typed, monkeypatch, to, package
):
    make_run()
    for name in ("tensorboard", "onnx", "tf2onnx"):
        monkeypatch.setitem(sys.modules, name, None if name == package else os)
    answer = typed("export", "runs/one", "--to", to)
    wanted = f"--to {to}: needs the package {package}; pip install 'ris-tf[export]'"
    assert (answer.code, answer.err) == (2, f"ris-tf: {wanted}\n")


def test_run_with_weights_alone_is_one_line(make_run, typed):
    (make_run().checkpoints / BEST_WEIGHTS).touch()
    answer = typed("export", "runs/one", "--to", "onnx" if find_spec("tf2onnx") else "tflite")
    wanted = "has weights alone, since Keras could not save its model; its own program can export"
    assert answer.code == 2
    assert answer.err.startswith(f"ris-tf: runs/one: {wanted}")


def test_log_without_events_is_one_line(make_run, typed):
    make_run().events_path.unlink()
    answer = typed("export", "runs/one", "--to", "csv")
    assert (answer.code, answer.err) == (
        2,
        "ris-tf: runs/one: has no event yet, so there is nothing to export\n",
    )


@pytest.mark.parametrize("accident", [RuntimeError, KeyboardInterrupt])
def test_what_goes_wrong_leaves_nothing(tmp_path, accident):
    with pytest.raises(accident), whole(tmp_path / "csv") as partial:
        partial.mkdir()
        (partial / "steps.csv").touch()
        raise accident
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("to", ["csv", "tensorboard"])
def test_exports_of_logs_load_no_tensorflow(make_run, tmp_path, to):
    if to == "tensorboard":
        pytest.importorskip("tensorboard")
    make_run()
    program = (
        f"import sys; sys.argv = ['ris-tf', 'export', 'runs/one', '--to', '{to}']\n"
        "from ris_tf.cli.main import app; app(standalone_mode=False)\n"
        "print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
