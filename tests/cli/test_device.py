"""`--device`: chosen before TensorFlow is loaded, and refused where it is not there."""

import pytest

from ris_tf.device import CHOSEN, VISIBLE, choose_device, require_chosen
from ris_tf.errors import UserError


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        (None, None, None),
        ("cpu", None, "-1"),
        ("cpu", "2,3", "-1"),
        ("gpu", None, None),
        ("gpu", "2,3", "2,3"),
        ("gpu:1", None, "1"),
        ("gpu:1", "2,3", "3"),
        ("gpu:0", "GPU-7f", "GPU-7f"),
    ],
)
def test_what_tensorflow_may_see(text, before, after):
    environment = {} if before is None else {VISIBLE: before}
    choose_device(text, environment)
    assert environment.get(VISIBLE) == after
    assert environment.get(CHOSEN) == text


@pytest.mark.parametrize(
    "text", ["", "tpu", "cpu:0", "cpu:", "gpu:", "gpu:x", "gpu:-1", "gpu:1.0", "GPU"]
)
def test_what_is_no_device(text):
    with pytest.raises(UserError, match="must be cpu, gpu, or gpu:N, counted from 0"):
        choose_device(text, {})


def test_gpu_that_is_not_there(monkeypatch):
    with pytest.raises(UserError, match=r"--device.*gpu:2.*must be below 2"):
        choose_device("gpu:2", {VISIBLE: "2,3"})
    monkeypatch.setenv(CHOSEN, "gpu:1")
    with pytest.raises(UserError, match=r"--device.*gpu:1.*TensorFlow finds no such GPU"):
        require_chosen(0)
    require_chosen(1)
    monkeypatch.setenv(CHOSEN, "cpu")
    require_chosen(0)


def test_no_run_is_left_where_the_gpu_is_not_there(tmp_path, monkeypatch):
    from ris_tf.config import default_config
    from ris_tf.training.begin import Origin, new_job

    monkeypatch.setenv(CHOSEN, "gpu")
    with pytest.raises(UserError, match="TensorFlow finds no such GPU"):
        new_job(default_config(()), tmp_path / "run", Origin(), [])
    assert not (tmp_path / "run").exists()


def test_memory_that_ends_outside_of_a_run_is_one_line(capsys):
    from ris_tf.cli.main import guarded

    class ExhaustedError(Exception):
        """As TensorFlow's `ResourceExhaustedError`, which computing alone raises."""

        error_code = 8

    def command():
        raise ExhaustedError("OOM when allocating tensor\nwith shape[65536]")

    assert guarded(command) == 1
    said = capsys.readouterr().err
    assert said.startswith(
        "ris-tf: out of memory: OOM when allocating tensor with shape[65536]; try"
    )
    assert said.count("\n") == 1
