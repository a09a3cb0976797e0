"""What the checks of a run share: its columns, its plan, and the loss that may be compared."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ris_tf.runlog.events import Notice
from ris_tf.runlog.log import TERM, RunLog

LOCALIZATION = "localization"  # the task whose settings are `ris-tf`'s own
BETA_SETTLED = 0.06  # windows this near the final beta are compared; its jitter is 0.05
LAYER = "layer/"
SHOWN = 5  # steps or names that a result names
OLD_LOG = "the log was written by an older version"


@dataclass(frozen=True)
class Evidence:
    """A run's log, as checks read it.

    Attributes:
        log: of the run.
        task: what was trained, as in run.json; advice names settings that it has.
    """

    log: RunLog
    task: str = LOCALIZATION

    @property
    def ours(self) -> bool:
        """Whether the settings of `ris-tf train` are this run's."""
        return self.task == LOCALIZATION

    @cached_property
    def ok(self) -> np.ndarray:
        """`[n]` whether each window was applied."""
        return self.log.column("ok") == 1

    @cached_property
    def plan(self) -> dict[str, Any]:
        """What the last session was to do; empty in older logs."""
        return self.log.diagnosed("plan")

    @cached_property
    def data(self) -> dict[str, Any]:
        """What was known behind the first window; empty in older logs."""
        return self.log.diagnosed("data")

    @cached_property
    def epochs(self) -> list[dict[str, Any]]:
        """What each epoch did to the weights, and its validation to the checks' own values."""
        return [event.values for event in self.log.diagnoses if event.of == "epoch"]

    @property
    def last(self) -> dict[str, Any]:
        """The last of them."""
        return self.epochs[-1] if self.epochs else {}

    @cached_property
    def weights(self) -> dict[str, float]:
        """Largest weight so far of every term."""
        return self.log.term_weights()

    @cached_property
    def first(self) -> dict[str, Any]:
        """What the first window did to the weights, and how large they were."""
        return self.log.diagnosed("first window")

    @property
    def gains(self) -> dict[str, float]:
        """Layers that a run begins with far too large weights in; what comes later has a cause."""
        return {name: value for name, value in self.first.items() if name.startswith("gain/")}

    @property
    def usual(self) -> dict[str, float]:
        """Weights of the terms where a configuration does not set them; empty in older logs."""
        of = "usual/"
        return {n.removeprefix(of): v for n, v in self.plan.items() if n.startswith(of)}

    @property
    def on(self) -> list[str]:
        """Terms that count."""
        return [name for name, weight in self.weights.items() if weight > 0]

    def of(self, kind: str) -> list[Notice]:
        """Notices of a kind."""
        return [notice for notice in self.log.notices if notice.what == kind]

    @cached_property
    def loss(self) -> tuple[np.ndarray, np.ndarray]:
        """`[n]` the loss at the final weights, and `[n]` which windows may be compared.

        Schedules change the weights along a run, and with them the loss: the raw terms are summed
        at the weights of the last window. `beta` changes the terms themselves, so only windows
        near its final value count, where there are enough.
        """
        log = self.log
        terms = [name[len(TERM) :] for name in log.names if name.startswith(TERM)]
        if not len(log.steps) or not terms:
            loss = log.column("loss").astype(np.float32)
        elif not any(name.startswith("weight/") for name in log.names):
            loss = log.column("loss")  # of a model whose terms have no weights of their own
        else:
            loss = np.zeros(len(log.steps), np.float32)
            for term in terms:
                if weight := log.column(f"weight/{term}")[-1]:
                    loss += weight * log.column(f"term/{term}")
        finite = np.isfinite(loss)
        beta = log.column("beta")
        settled = finite & ~(np.abs(beta - beta[-1:]) > BETA_SETTLED)  # all, where there is none
        return loss, settled if settled.sum() >= 20 else finite

    @cached_property
    def kept(self) -> np.ndarray:
        """The losses that may be compared, in order."""
        loss, comparable = self.loss
        return loss[comparable]

    @cached_property
    def rates(self) -> np.ndarray:
        """The base rate of each of those windows; 1 where none is logged."""
        groups = self.log.groups()
        rates = self.log.column(f"rate/{groups[0]}") if groups else np.ones(len(self.ok))
        return np.nan_to_num(rates)[self.loss[1]]

    @property
    def reach(self) -> float:
        """How far the rates so far could have moved a weight, over a weight's size; 0 if unknown.

        A step of the optimizer is the rate at most, in whatever direction.
        """
        sizes = [value for name, value in self.first.items() if name.startswith("rms/")]
        return float(self.rates.sum()) / max(sizes) if sizes and max(sizes) else 0.0

    @cached_property
    def ends(self) -> tuple[float, float]:
        """Mean loss of the first and of the last tenth of them."""
        tenth = max(len(self.kept) // 10, 1)
        return float(self.kept[:tenth].mean()), float(self.kept[-tenth:].mean())

    @property
    def layers(self) -> list[str]:
        """Names of the layers whose gradient norms are logged, the first of the model first."""
        return [name for name in self.log.names if name.startswith(LAYER)]

    @property
    def rate(self) -> float:
        """The largest base rate that was used or, before a window, planned."""
        groups = self.log.groups()
        rates = self.log.column(f"rate/{groups[0]}") if groups else np.zeros(0)
        rates = rates[np.isfinite(rates)]
        return float(rates.max()) if len(rates) else float(self.plan.get("rate", np.nan))

    @property
    def rate_ahead(self) -> float:
        """The same, or the planned base rate while the rate still warms up to it."""
        warms_up = len(self.log.steps) <= self.plan.get("warmup", 0)
        return max(self.rate, float(self.plan.get("rate", 0.0))) if warms_up else self.rate


def listed(items: list | np.ndarray) -> str:
    """The first few, and how many there are in all."""
    shown = ", ".join(str(item) for item in items[:SHOWN])
    return shown if len(items) <= SHOWN else f"{shown}, ... ({len(items)} in all)"


def value(number: float) -> str:
    """A number as a setting has it: two digits."""
    return f"{number:.1e}" if number < 0.01 else f"{number:.2g}"
