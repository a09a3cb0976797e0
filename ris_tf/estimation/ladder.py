"""The steps after a first fit, each of which can be switched off, and their thresholds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ladder:
    """Which steps a scene may go through, and when; docs/estimators.md has what each is worth.

    Attributes:
        fine_match: after a match on the grid, the best of 27 places half a cell around it.
        leave_one_out: sources of little support are tried without.
        add: one more source is matched where more than noise is left.
        move: the weakest source is matched elsewhere, where there are as many as there may be.
        add_anywhere: proposals not having it, a source is matched on the whole grid.
        rematch: each source is left out or matched anew, among proposals where there are any.
        restart: pursuit anew where much is left.
        rematch_anywhere: each source is left out or matched anew on the whole grid.
        converge: refinement goes on at the end while it lowers the residual energy.
        final_test: sources that noise explains are dropped at the end.
        rounds: how often leaving out and adding are repeated while they change something.
        unrefined: times the least drop, that a proposal must explain before refinement.
        of_first: share of the first drop that a proposal must explain before refinement.
        doubt: times the least drop, below which leaving out is tried.
        excess: standard deviations of the noise's energy above its mean: from where on a source is
            added, sources are matched anew among proposals, on the grid.
        stop: the same, down to which pursuit goes on.
    """

    fine_match: bool = True
    leave_one_out: bool = True
    add: bool = True
    move: bool = True
    add_anywhere: bool = True
    rematch: bool = True
    restart: bool = True
    rematch_anywhere: bool = True
    converge: bool = True
    final_test: bool = True
    rounds: int = 3
    unrefined: float = 2.0
    of_first: float = 0.02
    doubt: float = 2.5
    excess: tuple[float, float, float] = (1.2, 2.0, 3.0)
    stop: float = 0.0


WHOLE = Ladder()
