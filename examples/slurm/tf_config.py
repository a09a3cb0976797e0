"""Prints TF_CONFIG of a task of a Slurm job: who takes part, and which of them this is.

Of the environment it takes `SLURM_HOSTS`, the job's nodes between commas, `SLURM_PROCID`, the
task's number, and `SLURM_JOB_ID`, which chooses ports that another job does not have. Standard
library only.
"""

import json
import os
from collections.abc import Mapping

FIRST_PORT, PORTS = 20_000, 10_000  # below those that Linux gives to outgoing connections


def tf_config(environment: Mapping[str, str]) -> str:
    """TF_CONFIG as JSON: worker 0 writes the run."""
    hosts = environment["SLURM_HOSTS"].split(",")
    index, job = int(environment["SLURM_PROCID"]), int(environment["SLURM_JOB_ID"])
    first = FIRST_PORT + len(hosts) * job % PORTS
    workers = [f"{host}:{first + number}" for number, host in enumerate(hosts)]
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": workers}, "task": task})


if __name__ == "__main__":
    print(tf_config(os.environ))
