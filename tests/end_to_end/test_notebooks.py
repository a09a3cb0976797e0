"""Every notebook in examples/ runs from its first cell to its last."""

import re

import pytest

from ris_tf.runlog import Reason, RunDirectory

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")


def executed(root, name, folder):
    notebook = nbformat.read(root / "examples" / name, as_version=4)
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


def test_own_model_trains_and_shows_its_curves_inline(root, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(root))
    notebook = executed(root, "own_model.ipynb", tmp_path)
    log = RunDirectory.open(tmp_path / "runs" / "stripes").log()
    assert log.end.reason == Reason.FINISHED
    assert log.validations[-1].values["accuracy"] > 0.9
    assert len(outputs(notebook, "image/png")) == 1
    lines = outputs(notebook, "text/plain")
    assert any(re.search(r"epoch +8  validation", line) for line in lines)
    assert not any("\r" in line for line in lines)
