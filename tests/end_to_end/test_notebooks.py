"""Every notebook in examples/ runs from its first cell to its last."""

import json
import os
import re
import socketserver
import sys
import threading
from pathlib import Path

import pytest
from commands import ris_tf

from ris_tf.runlog import Reason, RunDirectory

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")


# No need of a good network here: fewer scenes, looked for on a coarse grid.
BRIEFLY = '"training.compile=false", "localize.grid=[61,31]", "localize.planes=4", '
SHORTER = (
    (r'"training\.epochs=\d+"', f'{BRIEFLY}"training.epochs=1"'),
    (r'"training\.batches_per_epoch=60"', '"training.batches_per_epoch=45"'),
    (r'"training\.batches_per_epoch=80"', '"training.batches_per_epoch=25"'),
    (r"Split\.TRAINING, \d+\)", "Split.TRAINING, 256)"),
    (r"Split\.TEST, \d+\)", "Split.TEST, 64)"),
    (r"size=100\)", "size=48)"),
)


def executed(root, name, folder):
    """A notebook, run to its end; networks of a configuration are trained shortly."""
    notebook = nbformat.read(root / "examples" / name, as_version=4)
    for cell in notebook.cells:
        for written, shorter in SHORTER:
            cell.source = re.sub(written, shorter, cell.source)
    client = nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return notebook


def outputs(notebook, kind):
    """Texts or pictures of all cells, in order."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = [output for cell in cells for output in cell.outputs]
    return [output.data[kind] for output in found if kind in output.get("data", {})]


def said(notebook):
    """What all cells printed."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    streams = (
        output for cell in cells for output in cell.outputs if output.output_type == "stream"
    )
    return "".join(stream.text for stream in streams)


# `ris-tf` as a notebook calls it: the real command, forked by this process, so that it need not
# import TensorFlow first.
COMMAND = f"""#!{sys.executable} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect(os.path.join(os.path.dirname(__file__), "asked"))
    asked.sendall(json.dumps([os.getcwd(), *sys.argv[1:]]).encode() + b"\\n")
    printed, errors, code = json.load(asked.makefile())
sys.stdout.write(printed)
sys.stderr.write(errors)
sys.exit(code)
"""


class Commands(socketserver.StreamRequestHandler):
    """Runs the command that a notebook calls, and tells what it printed and its exit code."""

    def handle(self):
        folder, *words = json.loads(self.rfile.readline())
        done = ris_tf(*words, cwd=folder)
        told = done.stdout, done.stderr, done.returncode
        self.wfile.write(json.dumps(told).encode())


@pytest.fixture
def kernel(root, tmp_path_factory, monkeypatch):
    """The environment of a notebook's kernel: this project's package and commands."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "ris-tf").write_text(COMMAND)
    (folder / "ris-tf").chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", str(root))
    places = [str(folder), str(Path(sys.executable).parent), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(places))
    with socketserver.UnixStreamServer(str(folder / "asked"), Commands) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


@pytest.mark.usefixtures("kernel")
def test_own_model_trains_and_shows_its_curves_inline(root, tmp_path):
    notebook = executed(root, "own_model.ipynb", tmp_path)
    log = RunDirectory.open(tmp_path / "runs" / "stripes").log()
    assert log.end.reason == Reason.FINISHED
    assert log.validations[-1].values["accuracy"] > 0.9
    assert len(outputs(notebook, "image/png")) == 1
    lines = outputs(notebook, "text/plain")
    assert any(re.search(r"epoch +8  validation", line) for line in lines)
    assert not any("\r" in line for line in lines)


@pytest.mark.usefixtures("kernel")
def test_training_leads_to_positions(root, tmp_path):
    notebook = executed(root, "training_to_positions.ipynb", tmp_path)
    found = re.search(r"finds (\d+)% of the validation scenes", said(notebook))
    right = re.search(r"count right in (\d+)%", said(notebook))
    assert int(found[1]) > 20
    assert int(right[1]) > 50
    assert len(outputs(notebook, "image/png")) == 2


@pytest.mark.usefixtures("kernel")
def test_a_recording_of_others_is_read_trained_on_and_localized(root, tmp_path):
    notebook = executed(root, "own_data.ipynb", tmp_path)
    assert "y_axes: MLB" in said(notebook)
    right = re.search(r"count right in (\d+)%", said(notebook))
    assert int(right[1]) > 50
    assert (tmp_path / "positions.json").exists()
