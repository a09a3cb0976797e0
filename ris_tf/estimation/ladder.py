"""The steps after a first fit, each of which can be switched off, and their thresholds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ladder:
    """Which steps a scene may take, and where; docs/estimators.md has what each is worth.

    Attributes:
        leave_one_out: sources of little support are tried without.
        add: one more source is matched.
        rematch: each source is left out or matched anew.
        restart: pursuit anew.
        converge: refinement goes on at the end while it lowers the residual energy.
        final_test: sources that noise explains are dropped at the end.
        rounds: how often leaving out and adding are repeated while they change something.
        doubt: times the least drop, the support below which leaving out is tried.
        of_first: share of the first drop that a proposal must explain before refinement.
        excess: standard deviations of the noise's energy above its mean, from where on one more
            source is matched.
        rematch_excess: the same, from where on sources are matched anew.
        restart_excess: the same, from where on pursuit starts over.
    """

    leave_one_out: bool = True
    add: bool = True
    rematch: bool = True
    restart: bool = True
    converge: bool = True
    final_test: bool = True
    rounds: int = 3
    doubt: float = 2.5
    of_first: float = 0.02
    excess: float = 1.2
    rematch_excess: float = 2.0
    restart_excess: float = 3.0


WHOLE = Ladder()
