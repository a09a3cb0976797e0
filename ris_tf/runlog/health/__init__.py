"""Is training healthy, and if not, why, and what to change: the checks of a run, from its log.

SPEC 7 has the list. Each check reads the event log alone; causes rule out their consequences, so
that the first failing one is what went wrong and not what came of it.
"""

from ris_tf.runlog.health.check import Check, Fault, Level
from ris_tf.runlog.health.evidence import LOCALIZATION
from ris_tf.runlog.health.verdict import NOTICE, Verdict, causes_of, check_health, verdict_on

__all__ = [
    "LOCALIZATION",
    "NOTICE",
    "Check",
    "Fault",
    "Level",
    "Verdict",
    "causes_of",
    "check_health",
    "verdict_on",
]
