"""The job scripts of examples/slurm, run by a stand-in for Slurm: preempted, requeued, finished.

`srun`, `scontrol` and `ris-tf` are small scripts first on the path; ris-tf itself is the real one,
which is sent the scheduler's signals at exact places.
"""

import json
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from harness import CONFIG, FULL, HARMED, WINDOW, end_of

from ris_tf.runlog import read_run_log

EXAMPLES = Path(__file__).parents[2] / "examples" / "slurm"
PREEMPTED = {"entering": WINDOW, "times": 4, "signal": signal.SIGUSR1}
# Starts a step's tasks, each with its number; its exit code is the highest of theirs.
SRUN = """#!/bin/bash
pids=()
for ((task = 0; task < ${SLURM_NTASKS:-1}; task++)); do
    SLURM_PROCID=$task "$@" &
    pids+=($!)
done
highest=0
for pid in "${pids[@]}"; do
    wait "$pid"
    code=$?
    ((code > highest)) && highest=$code
done
exit $highest
"""
SCONTROL = """#!/bin/bash
case $1 in
    requeue) echo "$2" >> "$REQUEUED" ;;
    show) printf '%s\\n' ${3//,/ } ;;
esac
"""
# The first task alone is sent the signal of its plan.
RIS_TF = f"""#!/bin/bash
[ "${{SLURM_PROCID:-0}}" = 0 ] || PLAN={{}}
exec "{sys.executable}" "{HARMED}" "$PLAN" "$@"
"""


@pytest.fixture
def slurm(tmp_path):
    """Submits a job script as often as it asks for it; outputs and exit codes of its attempts."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, text in {"srun": SRUN, "scontrol": SCONTROL, "ris-tf": RIS_TF}.items():
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    requeued = tmp_path / "requeued"
    environment = {
        **os.environ,
        "PATH": f"{commands}:{os.environ['PATH']}",
        "REQUEUED": str(requeued),
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_SUBMIT_DIR": str(EXAMPLES),
    }

    def submit(script, *words, plans=(), **more):
        codes = []
        for plan in (*plans, {}):
            asked = len(requeued.read_text().splitlines()) if requeued.exists() else 0
            if asked < len(codes):
                break
            now = {**environment, **more, "PLAN": json.dumps(plan)}
            command = ["bash", EXAMPLES / script, *map(str, words)]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
            with subprocess.Popen(command, cwd=tmp_path, env=now, **pipes) as job:
                job.stdout.readline()
                job.stdout.close()  # as a `tee` that goes away
                codes.append(job.wait())
        return codes

    return submit


@pytest.mark.thorough
def test_preempted_job_is_requeued_and_goes_on(slurm, tmp_path, fault):
    """Nobody reads its output after the first line: its log says so, and it goes on."""
    fault("a Slurm job, preempted, its output unread", "75, requeued, goes on at its window")
    run = tmp_path / "runs" / "run"
    assert slurm("train.sbatch", CONFIG, "run", plans=[PREEMPTED]) == [75, 0]
    log = read_run_log(run / "events.jsonl")
    notices = [notice.what for notice in log.notices]
    assert notices.count("output") == 2, "each of its sessions noticed"
    assert [session.step for session in log.sessions] == [0, 4]
    assert log.steps.tolist() == [*range(9)]
    assert end_of(run) == ("finished", "3 epochs")


@pytest.mark.skipif(not FULL, reason="in the full form (make faults)")
def test_each_task_of_an_array_is_a_run_of_its_own(slurm, tmp_path, fault):
    fault("a task of a Slurm array, preempted", "75, requeued, finished under its own settings")
    (tmp_path / "trials.txt").write_text("--set seed=1\n--set seed=2 --set training.epochs=1\n")
    words = ("array.sbatch", CONFIG, "run", "trials.txt")
    plan = {**PREEMPTED, "times": 2}  # of its three windows
    assert slurm(*words, plans=[plan], SLURM_ARRAY_TASK_ID="2") == [75, 0]
    log = read_run_log(tmp_path / "runs" / "run-2" / "events.jsonl")
    assert [session.step for session in log.sessions] == [0, 2]
    assert end_of(tmp_path / "runs" / "run-2") == ("finished", "1 epoch")
    assert "seed: 2" in (tmp_path / "runs" / "run-2" / "config.yaml").read_text()


@pytest.mark.skipif(not FULL, reason="in the full form (make faults)")
def test_run_on_two_nodes_is_preempted_and_goes_on(slurm, tmp_path, fault):
    """The chief alone is sent the signal; both checkpoint at the same window."""
    fault("a Slurm job on two nodes, preempted", "both end with 75, requeued, finished")
    nodes = {"SLURM_JOB_NODELIST": "127.0.0.1,127.0.0.1", "SLURM_NTASKS": "2"}
    assert slurm("nodes.sbatch", CONFIG, "run", plans=[PREEMPTED], **nodes) == [75, 0]
    log = read_run_log(tmp_path / "runs" / "run" / "events.jsonl")
    assert [session.step for session in log.sessions] == [0, 4]
    assert end_of(tmp_path / "runs" / "run")[0] == "finished"


def test_tasks_of_a_job_agree_on_who_takes_part():
    made = runpy.run_path(str(EXAMPLES / "tf_config.py"))["tf_config"]
    job = {"SLURM_HOSTS": "node1,node2,node2", "SLURM_JOB_ID": "123456789"}
    configs = [json.loads(made({**job, "SLURM_PROCID": str(number)})) for number in range(3)]
    assert [config["task"]["index"] for config in configs] == [0, 1, 2]
    assert configs[0]["cluster"] == configs[1]["cluster"] == configs[2]["cluster"]
    workers = configs[0]["cluster"]["worker"]
    assert len(set(workers)) == 3
    assert all(1024 < int(worker.rpartition(":")[2]) < 32768 for worker in workers)
