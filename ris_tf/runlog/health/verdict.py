"""All checks of a run, the causes among them, and the one sentence that a person reads first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ris_tf.runlog.events import Reason
from ris_tf.runlog.health.check import Check, Fault, Level, Settings
from ris_tf.runlog.health.evidence import LOCALIZATION, Evidence
from ris_tf.runlog.health.learning import learning
from ris_tf.runlog.health.steps import steps
from ris_tf.runlog.health.truth import truth, validation_completed
from ris_tf.runlog.log import RunLog

NOTICE = "health"  # kind of the notices that tell of a fault
NEVER_TRAINED = "cannot be told: the network was imported, and never trained here"
F = Fault

# The most upstream first: what comes later may follow from what comes before.
UPSTREAM = (
    F.FAILED, F.GRADIENT_PATH, F.REPEATS, F.LABELS, F.ORDER, F.DECAY,
    F.RATE_OF_ANOTHER_PLAN,
    F.INPUTS_NOT_FINITE, F.TERM_NOT_FINITE, F.GRADIENT_NOT_FINITE, F.SATURATED, F.SCALE_UNSETTLED,
    F.NEVER_MOVES, F.AVERAGES_LEFT, F.WRONG_NORMS, F.RUNS_AWAY, F.DROPOUT,
    F.NO_COVARIANCE, F.BLEND_HIDES, F.FLOOR, F.INPUT_SCALE, F.FROZEN, F.EXPLODING, F.RATE_TOO_HIGH,
    F.RATE_TOO_LOW, F.UNTRAINED, F.TERM_CONSTANT, F.VANISHING, F.DEAD_UNITS, F.COUNT_COLLAPSED,
    F.PLATEAU, F.NOT_LEARNED, F.VALIDATION, F.UNLIKE, F.OVERFITTING,
)  # fmt: skip
RESULTS = {  # what any run shows that learns nothing
    F.RATE_TOO_HIGH, F.RATE_TOO_LOW, F.PLATEAU, F.NOT_LEARNED, F.COUNT_COLLAPSED, F.DEAD_UNITS,
    F.VANISHING, F.VALIDATION,
}  # fmt: skip
STOPPED = RESULTS | {F.UNTRAINED, F.TERM_CONSTANT, F.NEVER_MOVES, F.EXPLODING}
# What each fault explains.
EXPLAINS: dict[Fault, set[Fault]] = {
    F.FAILED: STOPPED,
    F.GRADIENT_PATH: STOPPED,
    F.REPEATS: RESULTS | {F.LABELS, F.FLOOR, F.UNLIKE, F.OVERFITTING, F.TERM_CONSTANT},
    F.LABELS: RESULTS | {F.FLOOR, F.UNLIKE},
    F.ORDER: RESULTS | {F.RATE_OF_ANOTHER_PLAN},
    F.RATE_OF_ANOTHER_PLAN: RESULTS | {F.NEVER_MOVES, F.TERM_CONSTANT},
    F.INPUTS_NOT_FINITE: STOPPED,
    F.TERM_NOT_FINITE: STOPPED,
    F.GRADIENT_NOT_FINITE: STOPPED,
    F.SATURATED: STOPPED,
    F.SCALE_UNSETTLED: STOPPED,
    F.NEVER_MOVES: RESULTS,
    F.AVERAGES_LEFT: RESULTS,
    F.WRONG_NORMS: RESULTS,
    F.RUNS_AWAY: RESULTS | {F.EXPLODING, F.TERM_CONSTANT},
    F.DECAY: RESULTS | {F.TERM_CONSTANT, F.RATE_OF_ANOTHER_PLAN},
    F.DROPOUT: RESULTS | {F.UNLIKE},
    F.INPUT_SCALE: RESULTS | {F.EXPLODING, F.TERM_CONSTANT},
    F.FROZEN: RESULTS,
    F.NO_COVARIANCE: {F.NOT_LEARNED},
    F.BLEND_HIDES: {F.NOT_LEARNED, F.PLATEAU},
    F.FLOOR: {F.PLATEAU, F.NOT_LEARNED, F.RATE_TOO_LOW},
    F.EXPLODING: RESULTS | {F.UNTRAINED, F.TERM_CONSTANT},
    F.RATE_TOO_HIGH: RESULTS | {F.UNTRAINED, F.TERM_CONSTANT, F.EXPLODING, F.VANISHING},
    F.RATE_TOO_LOW: {F.NOT_LEARNED, F.COUNT_COLLAPSED, F.PLATEAU},
    F.UNTRAINED: {F.COUNT_COLLAPSED, F.NOT_LEARNED, F.DEAD_UNITS, F.TERM_CONSTANT},
    F.DEAD_UNITS: {F.COUNT_COLLAPSED},
    F.COUNT_COLLAPSED: set(),
    F.PLATEAU: {F.NOT_LEARNED, F.COUNT_COLLAPSED},
}


@dataclass(frozen=True)
class Verdict:
    """What a person reads first.

    Attributes:
        level: of the run as a whole.
        sentence: "healthy", or the most upstream cause.
        check: the check that names it; `None` where all is well.
    """

    level: Level
    sentence: str
    check: Check | None = None

    @property
    def remedies(self) -> Settings:
        """What to change, as settings."""
        return self.check.remedies if self.check else ()


def check_health(log: RunLog, task: str = LOCALIZATION) -> list[Check]:
    """All checks of a run, finished or not; of another task those that know of any model.

    Args:
        log: of the run.
        task: what was trained, as in run.json; advice names settings that it has.
    """
    e = Evidence(log, task)
    checks = _explained([validation_completed(e), *steps(e), *learning(e), *truth(e)])
    if log.end is not None and log.end.reason == Reason.IMPORTED:
        return [Check(one.name, Level.AMBER, NEVER_TRAINED) for one in checks]
    return checks


def _explained(checks: list[Check]) -> list[Check]:
    """The same, those that follow from a fault further up not known yet until that is mended."""
    failed = sorted((c.fault for c in checks if c.level == Level.RED and c.fault), key=_place)
    because: dict[Fault, Fault] = {}
    for fault in failed:
        if fault not in because:
            for other in EXPLAINS.get(fault, set()) - {fault}:
                if _place(other) > _place(fault) or other not in failed:
                    because.setdefault(other, fault)
    return [_behind(c, because[c.fault]) if c.fault and c.fault in because else c for c in checks]


def _behind(check: Check, cause: Fault) -> Check:
    return replace(check, level=Level.AMBER, advice="", remedies=(), because=cause,
                   result=f"{check.result}; it follows from what is named first")  # fmt: skip


def _place(fault: Fault) -> int:
    return UPSTREAM.index(fault)


def causes_of(checks: Sequence[Check]) -> list[Check]:
    """The checks that name a cause, the most upstream first."""
    named = [c for c in checks if c.fault and c.level in (Level.RED, Level.WARNING)]
    return sorted(named, key=lambda c: (c.level != Level.RED, _place(c.fault or F.FAILED)))


def verdict_on(checks: Sequence[Check]) -> Verdict:
    """One sentence on a run: "healthy", or the most upstream cause."""
    causes = causes_of(checks)
    if causes:
        first = causes[0]
        if first.level == Level.RED:
            return Verdict(Level.RED, first.matter, first)
        return Verdict(Level.WARNING, f"healthy, but {first.matter}", first)
    waiting = [c for c in checks if c.level == Level.AMBER]
    if waiting:
        return Verdict(
            Level.AMBER, f"healthy so far, {len(waiting)} of {len(checks)} not known yet"
        )
    return Verdict(Level.GREEN, "healthy")
