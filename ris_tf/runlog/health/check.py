"""One line of the health report, and the faults that it may name."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from pathlib import Path

from ris_tf.runlog.health.evidence import Evidence

PAGES = "docs/why-training-fails"
PACKAGE = Path(__file__).parents[2]
# A wheel has the pages in the package, a checkout beside it. Looked for once: the monitor's window
# asks for them, whose thread reads no disk.
PAGES_LIE_IN = PACKAGE if (PACKAGE / PAGES).is_dir() else PACKAGE.parent
NO_RUN_WRITES = "the log has values that no run writes"
Settings = tuple[tuple[str, str], ...]  # keys of a configuration, and the values to give them


class Level(StrEnum):
    """How a check came out."""

    GREEN = "green"
    WARNING = "warning"  # worth a look; training gets somewhere all the same
    AMBER = "amber"  # not known yet, or explained by another check
    UNKNOWN = "unknown"  # cannot be told, from this log or of this model
    RED = "red"


class Fault(StrEnum):
    """What ruins a training; each value names its page in docs/why-training-fails."""

    FAILED = "failed"
    GRADIENT_PATH = "gradient-path"
    LABELS = "labels"
    ORDER = "order-of-updates"
    RATE_OF_ANOTHER_PLAN = "rate-not-planned"
    NEVER_MOVES = "weights-never-move"
    TERM_NOT_FINITE = "not-finite"
    INPUTS_NOT_FINITE = "inputs-not-finite"
    GRADIENT_NOT_FINITE = "gradient-not-finite"
    SATURATED = "half-precision"
    SCALE_UNSETTLED = "scale-never-settles"
    WRONG_NORMS = "gradients-unscaled-twice"
    EXPLODING = "exploding-layer"
    VANISHING = "vanishing-gradient"
    NO_COVARIANCE = "no-covariance-term"
    BLEND_HIDES = "blend-hides"
    FLOOR = "loss-floor"
    RATE_TOO_HIGH = "rate-too-high"
    RATE_TOO_LOW = "rate-too-low"
    PLATEAU = "plateau"
    UNTRAINED = "untrained"
    DEAD_UNITS = "dead-units"
    TERM_CONSTANT = "constant-term"
    COUNT_COLLAPSED = "count-collapses"
    AVERAGES_LEFT = "averages-left"
    NOT_LEARNED = "covariance-not-learned"
    UNLIKE = "validation-unlike"
    OVERFITTING = "overfitting"
    VALIDATION = "validation-not-finite"
    REPEATS = "examples-repeat"
    INPUT_SCALE = "inputs-not-normalised"
    RUNS_AWAY = "loss-runs-away"
    DECAY = "weight-decay"
    DROPOUT = "dropout"
    FROZEN = "frozen-layers"
    SHUFFLED = "labels-shuffled"


@dataclass(frozen=True)
class Check:
    """One line of the health report.

    Attributes:
        name: what is checked.
        level: how it came out.
        result: the values that decide it.
        advice: what to try next, in words; empty where all is well.
        matter: what is the matter, a sentence; empty where all is well.
        fault: which of the known faults it is.
        remedies: what to change, as settings; none where no setting mends it.
        because: the fault of another check that explains this one.
    """

    name: str
    level: Level
    result: str
    advice: str = ""
    matter: str = ""
    fault: Fault | None = None
    remedies: Settings = ()
    because: Fault | None = None

    @property
    def passed(self) -> bool:
        """Whether all is well, or a warning at most."""
        return self.level in (Level.GREEN, Level.WARNING)

    @property
    def open(self) -> bool:
        """Whether it may still come out either way, or did not pass."""
        return self.level in (Level.AMBER, Level.RED)

    @property
    def cause(self) -> str:
        """The fault's name; empty where there is none."""
        return str(self.fault or "")

    @property
    def page(self) -> str:
        """The page of the documentation that explains it; empty where there is none."""
        return f"{PAGES}/{self.fault}.md" if self.fault else ""

    @property
    def page_file(self) -> str:
        """The page as a path that opens from here: in a checkout, or where a wheel has it."""
        here = not self.page or Path.cwd() == PAGES_LIE_IN
        return self.page if here else str(PAGES_LIE_IN / self.page)

    @property
    def page_shown(self) -> str:
        """The page where paths are not typed: as a checkout names it, or where a wheel has it."""
        return str(PACKAGE / self.page) if self.page and PAGES_LIE_IN == PACKAGE else self.page

    @property
    def as_options(self) -> str:
        """The remedies as they are typed behind `ris-tf train`."""
        return " ".join(f"--set {key}={value}" for key, value in self.remedies)


def passes(name: str, result: str) -> Check:
    """All is well."""
    return Check(name, Level.GREEN, result)


def not_yet(name: str, result: str, advice: str = "train on") -> Check:
    """It is too early to tell."""
    return Check(name, Level.AMBER, result, advice)


def cannot_tell(name: str, why: str) -> Check:
    """The log has not what it takes."""
    return Check(name, Level.UNKNOWN, f"cannot be told: {why}")


def check(name: str) -> Callable[[Callable[[str, Evidence], Check]], Callable[[Evidence], Check]]:
    """Gives a check its name; where a log has values that no run writes, it says so.

    Whatever stands in a folder is data: a check neither ends a run nor those who look at it.
    """

    def called(look: Callable[[str, Evidence], Check]) -> Callable[[Evidence], Check]:
        @wraps(look)
        def looked(e: Evidence) -> Check:
            try:
                return look(name, e)
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                return cannot_tell(name, f"{NO_RUN_WRITES} ({type(error).__name__})")

        return looked

    return called


def fails(
    name: str,
    fault: Fault,
    result: str,
    matter: str,
    advice: str,
    remedies: Settings = (),
    level: Level = Level.RED,
) -> Check:
    """Something is the matter."""
    return Check(name, level, result, advice, matter, fault, remedies)
