"""The steps after a first fit, each of which can be switched off, and their thresholds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ladder:
    """Which steps a scene may take, and where; docs/estimators.md has what each is worth.

    Attributes:
        leave_one_out: sources of little support are tried without.
        add: one more source is matched.
        rematch: each source is left out or matched anew, among some places.
        restart: pursuit anew.
        rematch_on_grid: each source is left out or matched anew, on the whole grid.
        converge: refinement goes on at the end while it lowers the residual energy.
        final_test: sources that noise explains are dropped at the end.
        rounds: how often leaving out and adding are repeated while they change something.
        doubt: times the least drop, the support below which leaving out is tried.
        of_first: share of the first drop that a proposal must explain before refinement.
        excess: standard deviations of the residual energy above what noise has in the mean, from
            where on a scene is added to, rematched or restarted.
        grid_excess: the same, where rematching and restart are on the whole grid, which takes
            much longer than among some places.
    """

    leave_one_out: bool = True
    add: bool = True
    rematch: bool = True
    restart: bool = True
    rematch_on_grid: bool = True
    converge: bool = True
    final_test: bool = True
    rounds: int = 3
    doubt: float = 2.5
    of_first: float = 0.02
    excess: float = 1.2
    grid_excess: float = 3.0

    def excess_of(self, places: object) -> float:
        """The excess from where on rematching and restart are worth their time."""
        return self.grid_excess if places is None else self.excess


WHOLE = Ladder()
