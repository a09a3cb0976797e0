"""Which device computes: chosen before TensorFlow is loaded, and kept by processes started here.

Standard library and errors only.
"""

import os
from collections.abc import MutableMapping

from ris_tf.errors import UserError

CHOSEN = "RIS_TF_DEVICE"  # in the environment: what was chosen, for this process and its children
VISIBLE = "CUDA_VISIBLE_DEVICES"
NONE = "-1"  # as CUDA has it
KEY = "--device"


def choose_device(text: str | None, environment: MutableMapping[str, str] = os.environ) -> None:
    """Let TensorFlow see the processor alone, all GPUs, or one of them; `None` leaves it as it is.

    Raises:
        UserError: the text names no device.
    """
    if text is None:
        return
    kind, colon, number = text.partition(":")
    numbered = kind == "gpu" and number.isascii() and number.isdecimal()
    if kind not in ("cpu", "gpu") or (colon and not numbered):
        raise UserError(key=KEY, value=text, allowed="must be cpu, gpu, or gpu:N, counted from 0")
    if kind == "cpu":
        environment[VISIBLE] = NONE
    elif colon:
        environment[VISIBLE] = _numbered(text, int(number), environment)
    environment[CHOSEN] = text


def _numbered(text: str, number: int, environment: MutableMapping[str, str]) -> str:
    """CUDA's name of one of the GPUs that this process may see."""
    seen = environment.get(VISIBLE)
    if seen is None:
        return str(number)
    names = [name.strip() for name in seen.split(",") if name.strip()]
    if number >= len(names):
        allowed = f"must be below {len(names)}: {VISIBLE} is {seen!r}"
        raise UserError(key=KEY, value=text, allowed=allowed)
    return names[number]


def gpu_is_chosen() -> bool:
    """Whether a person chose a GPU for this process."""
    return os.environ.get(CHOSEN, "").startswith("gpu")


def require_chosen(gpus: int) -> None:
    """Refuse to compute elsewhere than was chosen.

    Args:
        gpus: that TensorFlow found.

    Raises:
        UserError: a GPU was chosen, and there is none.
    """
    if gpu_is_chosen() and not gpus:
        problem = "TensorFlow finds no such GPU on this machine"
        remedy = "nvidia-smi lists them; pip install 'ris-tf[gpu]' has its libraries"
        raise UserError(problem, key=KEY, value=os.environ[CHOSEN], remedy=remedy)
