"""`ris-tf evaluate` as a user types it."""

import csv
import json

import pytest
from commands import ris_tf

from ris_tf.config import dump_config
from ris_tf.estimation.catalogue import ESTIMATORS
from ris_tf.evaluation import json_document, read_report
from ris_tf.network import build_network
from ris_tf.runlog import RunDirectory

SMALL = [
    "--set=geometry.columns=6",
    "--set=geometry.rows=6",
    "--set=scene.sources_max=2",
    "--set=scene.separation_deg=20",
    "--set=scene.snr_db=[15,20]",
    "--set=scene.range_m=[0.5,3]",
    "--set=localize.grid=[41,21]",
    "--set=localize.planes=3",
]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """32 scenes without a run: the folder, and what was printed."""
    folder = tmp_path_factory.mktemp("evaluate")
    return folder, ris_tf("evaluate", "--scenes", "32", "--out", "there", *SMALL, cwd=folder)


def test_tables_and_figures_are_written(evaluated):
    folder, done = evaluated
    assert done.returncode == 0, done.stderr
    assert all("% done, about" in line for line in done.stderr.splitlines())
    names = {path.name for path in (folder / "there").iterdir()}
    figures = {
        f"{n}.pdf" for n in ("errors", "recall", "count", "reliability", "distribution", "time")
    }
    assert names == figures | {f"evaluation.{s}" for s in ("json", "csv", "tex")}
    assert "pursuit" in done.stdout
    assert "Cramér-Rao bound" in done.stdout


def test_documents_say_the_same(evaluated):
    folder, _ = evaluated
    document = json.loads((folder / "there" / "evaluation.json").read_text())
    with (folder / "there" / "evaluation.csv").open() as file:
        lines = list(csv.DictReader(file))
    recall = {
        row["estimator"]: row["metrics"]["recall_direction"]["value"]
        for row in document["rows"]
        if row["group"] == "all"
    }
    assert set(recall) == {name for name, one in ESTIMATORS.items() if not one.network}
    for line in lines:
        if line["group"] == "all" and line["metric"] == "recall_direction":
            assert float(line["value"]) == pytest.approx(recall[line["estimator"]], abs=1e-5)
    assert recall["pursuit"] > 0.95
    text = (folder / "there" / "evaluation.json").read_text()
    assert json_document(read_report(folder / "there" / "evaluation.json")) == text
    assert r"\toprule" in (folder / "there" / "evaluation.tex").read_text()


@pytest.mark.thorough
def test_the_same_scenes_give_the_same_figures(evaluated):
    folder, _ = evaluated
    again = ris_tf(
        *("evaluate", "--scenes", "32", "--out", "again", "--estimators", "pursuit"),
        *("--no-figures", "--progress", "json", *SMALL),
        cwd=folder,
    )
    assert again.returncode == 0, again.stderr
    shares = [json.loads(line) for line in again.stderr.splitlines() if line.startswith("{")]
    assert shares[0] == {"progress": 0.0, "at": "pursuit"}
    assert shares[-1] == {"progress": 1.0, "at": ""}
    first, second = (
        {
            (row["group"], row["level"]): {
                k: v for k, v in row["metrics"].items() if k != "milliseconds"
            }
            for row in json.loads((folder / name / "evaluation.json").read_text())["rows"]
            if row["estimator"] == "pursuit"
        }
        for name in ("there", "again")
    )
    assert first == second


@pytest.mark.parametrize(
    "flag", ["--no-snr-known", pytest.param("--count-known", marks=pytest.mark.thorough)]
)
def test_what_is_told_can_be_chosen(flag, evaluated):
    folder, _ = evaluated
    words = "--scenes", "16", "--out", flag, "--estimators", "pursuit", "--no-figures", flag
    done = ris_tf("evaluate", *words, *SMALL, cwd=folder)
    assert done.returncode == 0, done.stderr
    document = json.loads((folder / flag / "evaluation.json").read_text())
    assert document["rows"][0]["metrics"]["count_accuracy"]["value"] > 0.9


def test_imperfections_have_names(evaluated):
    folder, _ = evaluated
    words = "--scenes", "16", "--out", "imperfect", "--estimators", "pursuit", "--no-figures"
    done = ris_tf("evaluate", *words, "--imperfections", "typical", *SMALL, cwd=folder)
    assert done.returncode == 0, done.stderr
    document = json.loads((folder / "imperfect" / "evaluation.json").read_text())
    assert document["settings"]["imperfections"] == "typical"
    assert "intervals at 95 %" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--estimators", "pursuti"], "did you mean pursuit?"),
        (["--estimators", "network"], "takes a run's network; name a run"),
        (["--estimators", ","], "names none"),
        (["--imperfections", "bad"], "must be none or typical"),
        (["--set", "scene.snapshot=3"], "scene.snapshot"),
        (["no-such-run"], "is no folder"),
        (["--config", "none.yaml"], "none.yaml"),
    ],
)
def test_wrong_words_are_one_line(words, says, tmp_path):
    done = ris_tf("evaluate", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_way_is_told(tmp_path):
    (tmp_path / "there").write_text("")
    done = ris_tf("evaluate", "--out", "there", cwd=tmp_path)
    assert done.returncode == 2
    assert "is a file" in done.stderr


def test_estimators_are_listed(tmp_path):
    done = ris_tf("evaluate", "--list", cwd=tmp_path)
    assert done.returncode == 0
    assert "network-music+ml" in done.stdout


def test_runs_of_one_name_have_rows_of_their_own(make_config, tmp_path):
    for seed, folder in enumerate(("a", "b")):
        config = make_config(f"seed={seed}", "localize.grid=[31,16]", "localize.planes=3")
        run = RunDirectory.create(tmp_path / folder / "first", dump_config(config), ["test"])
        build_network(config).save(run.best_network)
    words = ("--estimators", "network,sample-mvdr", "--scenes", "16", "--out", "there")
    done = ris_tf("evaluate", "a/first", "b/first", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "there" / "evaluation.json").read_text())
    rows = {row["estimator"]: row["metrics"] for row in document["rows"] if row["group"] == "all"}
    assert list(rows) == ["a/first: network", "b/first: network", "sample-mvdr"]
    a, b = (document["position_error_quantiles_m"][f"{run}/first: network"] for run in "ab")
    assert a != b, "other weights, other errors"
    assert document["settings"]["runs"] == "a/first, b/first"
    for text in (done.stdout, (tmp_path / "there" / "evaluation.tex").read_text()):
        assert "a/first: network" in text
        assert "b/first: network" in text
