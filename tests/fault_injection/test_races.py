"""Two commands that begin at one instant: one works, the other is refused, nothing is torn.

Of the 200 starts of the full form, most are the lock's alone, in tests/runlog/test_lock.py.
"""

import shutil

import pytest
from forked import Forked
from harness import FULL, HARMED, assert_same, history
from searches import HUNG_S, SPACE, assert_whole, begin

RESUMED, SEARCHED = (20, 6) if FULL else (1, 0)


def ends_of(first, second):
    """Exit codes and output of two processes, that of the one which worked first."""
    said = [process.communicate(timeout=HUNG_S)[0] for process in (first, second)]
    pairs = zip((first, second), said, strict=True)
    ends = sorted(((process.returncode, text, process.pid) for process, text in pairs))
    assert not any("Traceback" in text for _, text, _ in ends), ends
    return ends


@pytest.mark.parametrize("race", range(RESUMED))
def test_one_run_is_resumed_twice_at_once(reference, half_way, tmp_path, fault, race):
    fault("a run resumed twice at once", "one goes on; the other: who works on it, exit code 2")
    run = tmp_path / "run"
    shutil.copytree(half_way / "run", run)
    before = len(history(run))
    words = (HARMED, "{}", "train", "--resume", run)
    (code, _, pid), (refused, said, _) = ends_of(*(Forked(*words, joined=True) for _ in range(2)))
    assert (code, refused) == (0, 2)
    assert f"{run}: process {pid} of " in said
    assert "is working on it; stop that first: ris-tf stop" in said
    assert before < len(history(run))
    assert_same(run, reference)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("race", range(SEARCHED))
def test_two_searches_of_one_name_at_once(tiny_yaml, tmp_path, fault, race, again):
    what = "a search resumed twice at once" if again else "two searches of one name at once"
    fault(what, "one goes on; the other is refused, exit code 2")
    (tmp_path / "tiny.yaml").write_text(tiny_yaml.read_text())
    (tmp_path / "space.yaml").write_text(SPACE)
    words = ["--epochs-per-trial", "1"]
    if again:
        code, said = begin(tmp_path, "wide", *words, "--n-trials", "1")
        assert code == 0, said
        words += ["--resume"]
    (code, _, pid), (refused, said, _) = ends_of(
        *(begin(tmp_path, "wide", *words, wait=False) for _ in range(2))
    )
    assert (code, refused) == (0, 2), said
    assert "exists; " in said or f"process {pid} of " in said
    assert_whole(tmp_path, "wide")
