"""The examples of docs/plug-ins.md: each is one file outside the package, used by the commands."""

import json

import pytest
from commands import ris_tf

from ris_tf.config import load_config
from ris_tf.registry import load_plugins
from ris_tf.runlog import RunDirectory

SMALL = [
    "--set=geometry={columns: 4, rows: 4}",
    "--set=scene.antennas=4",
    "--set=scene.snapshots=4",
]
SHORT = [
    *("--set=training.epochs=2", "--set=training.batches_per_epoch=4", "--set=training.batch=8"),
    *("--set=training.validation_batches=2", "--set=training.threads=1"),
    "--set=training.compile=false",
]


@pytest.fixture(scope="module")
def examples(root):
    return root / "examples"


def done(*words, cwd=None):
    finished = ris_tf(*words, cwd=cwd)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def termed(tmp_path_factory, tiny_yaml, examples):
    """A run with a term of one's own."""
    folder = tmp_path_factory.mktemp("term")
    done(
        *("train", tiny_yaml, "--plugin", examples / "own_term.py", "--runs-dir", folder),
        *("--name", "termed", "--set", "objective.divergence.floor=0.2"),
        *("--set", "training.compile=false"),  # the last test of the term compiles it alone
    )
    return RunDirectory.open(folder / "termed")


def test_a_term_is_trained_and_recorded_like_ours(termed, examples, apart):
    log = termed.log()
    assert (log.column("term/divergence") > 0).all()
    assert log.column("weight/divergence")[0] == pytest.approx(0.1)
    assert "term/divergence" in termed.log().validations[-1].values
    assert termed.identity.plugins == [str((examples / "own_term.py").resolve())]
    load_plugins(termed.identity.plugins)
    assert load_config(termed.config_path).objective.divergence.floor == 0.2


def test_health_counts_it(termed):
    shown = ris_tf("check", termed.path).stdout
    assert "12 terms finite and moving" in shown


def test_whoever_resumes_names_the_plugin_again(termed, examples):
    path = (examples / "own_term.py").resolve()
    refused = ris_tf("train", "--resume", termed.path)
    assert refused.returncode == 2
    line = f"was made with a plug-in, which must be named again; add --plugin {path}\n"
    assert refused.stderr == f"ris-tf: {termed.path}: {line}"
    named = ris_tf("train", "--resume", termed.path, "--plugin", path)
    assert "is finished" in named.stderr


@pytest.fixture(scope="module")
def networked(tmp_path_factory, examples):
    """A run of a network of one's own, which has no heads."""
    folder = tmp_path_factory.mktemp("network")
    sizes = ["--set=network={kind: dictionary, azimuths: 7, elevations: 5, ranges: 2, width: 8}"]
    words = [examples / "own_network.yaml", "--plugin", examples / "own_network.py"]
    printed = done(
        *("train", *words, "--runs-dir", folder, "--name", "own"), *sizes, *SMALL, *SHORT
    )
    return folder / "own", printed


def test_a_network_without_heads_is_trained(networked, examples):
    run, printed = networked
    log = RunDirectory.open(run).log()
    figures = log.validations[-1].values
    assert {"loss", "term/covariance", "sample/covariance", "objective"} <= figures.keys()
    assert not {"recall_direction", "count_accuracy", "term/angle"} & figures.keys()
    assert "network   dictionary" in printed
    assert "direction" not in printed
    parts = done("model", run / "config.yaml", "--plugin", examples / "own_network.py")
    assert [line.split()[0] for line in parts.splitlines()[1:3]] == ["hidden", "gains"]


def test_it_localizes_by_its_covariance(networked, examples, tmp_path):
    run, _ = networked
    named = ["--plugin", examples / "own_network.py"]
    done("simulate", run / "config.yaml", *named, "--scenes", "3", "--out", tmp_path / "s.npz")
    coarse = ["--set=localize.grid=[31,16]", "--set=localize.planes=3"]
    words = ["localize", run, tmp_path / "s.npz", *named, *coarse]
    done(*words, "--out", tmp_path / "s.json")
    assert len(json.loads((tmp_path / "s.json").read_text())) == 3
    refused = ris_tf(*words, "--estimator", "network")
    assert refused.returncode == 2
    assert "takes azimuth, elevation, range_m, confidence, count_logits, which" in refused.stderr


@pytest.mark.thorough
def test_it_is_evaluated_beside_an_estimator_of_ones_own(networked, examples, tmp_path):
    run, _ = networked
    files = [word for name in ("network", "estimator") for word in
             ("--plugin", examples / f"own_{name}.py")]  # fmt: skip
    few = ["--scenes", "8", "--set=localize.grid=[31,16]", "--set=localize.planes=3"]
    done("evaluate", run, *files, *few, "--no-figures", "--out", tmp_path / "all")
    document = json.loads((tmp_path / "all" / "evaluation.json").read_text())
    assert {"bartlett", "network-mvdr", "network-music+ml", "pursuit"} <= set(
        document["estimators"]
    )
    assert not {"network", "network+ml"} & set(document["estimators"])


def test_terms_without_their_heads_are_refused_before_there_is_a_run(examples, tmp_path):
    words = [examples / "own_network.yaml", "--plugin", examples / "own_network.py"]
    asked = ["--set=objective.weights.count=0.1", "--set=objective.weights.angle=0.1"]
    refused = ris_tf("train", *words, *asked, "--runs-dir", tmp_path)
    assert refused.returncode == 2
    assert refused.stderr == (
        "ris-tf: objective.weights: the network has no azimuth, no count_logits, which angle, "
        "count need; --set objective.weights.angle=0 --set objective.weights.count=0\n"
    )
    assert not list(tmp_path.iterdir())


def test_a_term_of_the_wrong_shape_is_refused_before_there_is_a_run(tiny_yaml, tmp_path):
    (tmp_path / "scalar.py").write_text(
        "import tensorflow as tf\nfrom ris_tf.plugins import term\n"
        "@term('scalar', weight=1)\ndef scalar(comparison):\n"
        "    'A mean, by mistake.'\n    return tf.reduce_mean(comparison.prediction.range_m)\n"
    )
    words = ["--plugin", tmp_path / "scalar.py", "--runs-dir", tmp_path / "runs"]
    refused = ris_tf("train", tiny_yaml, *words)
    assert refused.returncode == 2
    assert refused.stderr == (
        "ris-tf: term = 'scalar': returns [] float32; must return [B] float32, one value a scene\n"
    )
    assert not (tmp_path / "runs").exists()


def test_an_estimator_finds_one_source_without_noise(examples, apart):
    """Bartlett's beamformer is exact for one source: its peak is the source."""
    load_plugins([str(examples / "own_estimator.py")])
    import numpy as np

    from ris_tf.config import parse_config
    from ris_tf.estimation.estimators import EstimatorInputs, Estimators
    from ris_tf.evaluation.matching import matched
    from ris_tf.scene import Simulator, Split
    from ris_tf.scene.positions import true_positions

    scene = {"sources_max": 1, "antennas": 64, "snapshots": 16, "range_m": [0.5, 3]}
    config = parse_config({"geometry": {"columns": 8, "rows": 8}, "scene": scene})
    scenes = Simulator(config)(Split.TEST, 0, 0, 8)
    quiet = scenes.measurement._replace(y=scenes.noise_free)
    found = Estimators(config).named("bartlett").estimate(EstimatorInputs(quiet))
    error = matched(found, true_positions(scenes.sources))
    assert error.in_direction.all()
    assert np.degrees(np.abs(error.azimuth)).max() < 1


def test_divergence_is_that_of_dense_gaussians(examples, apart):
    """`(tr(R^-1 T) - log det(R^-1 T) - N) / N`, and 0 where they agree."""
    load_plugins([str(examples / "own_term.py")])
    import numpy as np
    import tensorflow as tf
    from own_term import Divergence, divergence

    from ris_tf.covariance import Covariance

    class Comparison:
        """As much of one as the term reads."""

        def __init__(self, predicted, truth):
            self.prediction, self.truth = self, truth
            self.effective = predicted

    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((2, 2, 5, 6, 3)).astype("f4")
    one, other = (Covariance(tf.complex(*d), tf.fill([5], 0.3)) for d in drawn)
    value = divergence(Comparison(one, other), Divergence(floor=0.1)).numpy()

    def dense(r):
        g = r.factor.numpy()
        return g @ g.conj().swapaxes(-1, -2) + 0.4 * np.eye(6)

    ratio = np.linalg.solve(dense(one), dense(other))
    logs = np.linalg.slogdet(ratio)[1]
    expected = (np.trace(ratio, axis1=-2, axis2=-1).real - logs) / 6 - 1
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    same = divergence(Comparison(one, one), Divergence()).numpy()
    np.testing.assert_allclose(same, 0, atol=1e-5)
    compiled = tf.function(divergence, jit_compile=True, autograph=False)
    step_has = compiled(Comparison(one, other), Divergence(floor=0.1)).numpy()
    np.testing.assert_allclose(step_has, value, rtol=1e-4)
