"""Files of networks and of models are read by one function: whatever is in them, one line."""

import zipfile

import pytest

from ris_tf.archive import DESCRIBED
from ris_tf.localizer import load_keras, read_network
from ris_tf.runlog import RunError


def harmed(path, harm):
    """A `.keras` file whose description cannot be unpacked, or is no description."""
    text = '{"class_name": "Nothing", "config": {"config": ' + "1" * 500 + "}}"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(DESCRIBED, "[" * 100_000 if harm == "deep" else text)
        place = archive.infolist()[0]
    data = bytearray(path.read_bytes())
    begin = place.header_offset + 30 + len(DESCRIBED)
    if harm == "bits":
        data[begin : begin + 4] = b"\xff" * 4
    elif harm == "encrypted":
        data[data.index(b"PK\x01\x02") + 8] |= 1
    elif harm == "cut":
        del data[begin + 8 :]
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("harm", ["bits", "encrypted", "cut", "deep", "of no class"])
@pytest.mark.parametrize(
    "read", [read_network, lambda path: load_keras(path, "model")], ids=["network", "model"]
)
def test_unreadable_files_are_refused_in_one_line(tmp_path, read, harm):
    path = harmed(tmp_path / "best.keras", harm)
    with pytest.raises(RunError, match="that can be read: ") as refused:
        read(path)
    assert "\n" not in str(refused.value)
    assert refused.value.source == str(path)
