"""The steps after a first fit, each with a switch, and their thresholds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ladder:
    """Which steps a scene may take, and where.

    In brackets is the change without a step: percentage points of the sources found within 5
    degrees, or of the scenes counted right, with the 95 % interval of the paired difference; on
    quickstart's scenes of 0..20 dB without least separation, for the estimator that loses most.
    The whole tables are in docs/estimators.md; `make ladder` measures them.

    Attributes:
        leave_one_out: sources of little support are tried without (counted, `network-mvdr+ml`:
            -1.37 +-0.97).
        add: one more source is matched (counted, `network-mvdr+ml`: -1.37 +-0.76).
        rematch: each source is left out or matched again, among some places (found,
            `network-mvdr+ml`: -0.55 +-0.42).
        restart: pursuit again (found, `network+ml`: -1.54 +-0.75).
        rematch_on_grid: each source is left out or matched again, on the whole grid (found,
            `network+ml`: -2.29 +-0.73).
        converge: refinement continues at the end while it lowers the residual energy (counted,
            `network+ml`: -0.59 +-0.47).
        final_test: sources that noise explains are dropped at the end (counted, `network+ml`:
            -0.59 +-0.47).
        doubt: times the least drop, the support below which leaving out is tried. At 1.0 fewer
            scenes of 10..20 dB were counted right (-1.03 +-0.44).
        of_first: share of the first drop that a proposal must explain before refinement. At 0
            fewer scenes of 10..20 dB were counted right (-0.24 +-0.21).
        excess: standard deviations of the residual energy above the mean of noise, beyond which
            a scene is added to, rematched or restarted. At 2.0 fewer are found (`pursuit`:
            -0.60 +-0.39).
        grid_excess: the same, where rematching and restart are on the whole grid, which takes
            longer than among some places: at 1.2 half a millisecond to 1.3 a scene.
    """

    leave_one_out: bool = True
    add: bool = True
    rematch: bool = True
    restart: bool = True
    rematch_on_grid: bool = True
    converge: bool = True
    final_test: bool = True
    doubt: float = 2.5
    of_first: float = 0.02
    excess: float = 1.2
    grid_excess: float = 3.0

    def excess_of(self, places: object) -> float:
        """The excess beyond which a scene is rematched or restarted: on the grid for `None`."""
        return self.grid_excess if places is None else self.excess


WHOLE = Ladder()
