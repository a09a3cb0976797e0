"""What training takes of the machine: processors, memory, an accelerator's memory."""

import time

import psutil
import tensorflow as tf

from ris_tf.processor import available_threads
from ris_tf.runlog import Usage
from ris_tf.words import counted

EVERY_S = 20.0  # between two measurements; one takes a tenth of a millisecond


class UsageMeter:
    """Measures what this process takes, now and then."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._gpus = tf.config.list_logical_devices("GPU")
        self._device = _device()
        self._since, self._busy = time.monotonic(), self._processor_s()
        self._next = 0.0

    def measured(self, window: int) -> Usage | None:
        """What was taken since the last measurement; `None` where that is not long ago."""
        now = time.monotonic()
        if now < self._next:
            return None
        busy, wall = self._processor_s(), max(now - self._since, 1e-3)
        usage = Usage(
            time=time.time(),
            step=window,
            device=self._device,
            processors=round((busy - self._busy) / wall, 2),
            memory=self._process.memory_info().rss,
            device_memory=sum(map(_used, self._gpus)),
        )
        self._since, self._busy, self._next = now, busy, now + EVERY_S
        return usage

    def _processor_s(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system


def _device() -> str:
    """Names of the accelerators, or how many threads compute."""
    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    names = [str(detail.get("device_name", "GPU")) for detail in details]
    if names:
        numbers = {name: names.count(name) for name in names}
        return ", ".join(f"{n} x {name}" if n > 1 else name for name, n in numbers.items())
    threads = tf.config.threading.get_intra_op_parallelism_threads() or available_threads()
    return counted(threads, "thread")


def _used(gpu: tf.config.LogicalDevice) -> int:
    """Bytes that TensorFlow has in use on an accelerator; 0 where it does not count them."""
    try:
        return int(
            tf.config.experimental.get_memory_info(gpu.name.partition("device:")[2])["current"]
        )
    except (ValueError, KeyError):
        return 0
