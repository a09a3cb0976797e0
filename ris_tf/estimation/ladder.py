"""The steps after a first fit, each with a switch, and their thresholds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ladder:
    """Which steps a scene may take, and where.

    What each is worth is in docs/ladder.md; `make ladder` measures it.

    Attributes:
        leave_one_out: sources of little support are tried without.
        add: one more source is matched.
        exchange: sources are replaced by better places, where a fit is in doubt.
        converge: refinement continues at the end while it lowers the residual energy.
        final_test: sources that noise explains are dropped at the end.
        doubt: times the least gain, the support below which leaving out is tried.
        exchange_doubt: the same, below which exchanges are tried.
        excess: standard deviations of the residual energy above the mean of noise, beyond which
            a scene is added to and in doubt.
        width: fits of a scene that are kept while sources are exchanged.
        width_likely: the same where proposals have confidences: places to start from are good.
        width_counted: the same where the count is known.
    """

    leave_one_out: bool = True
    add: bool = True
    exchange: bool = True
    converge: bool = True
    final_test: bool = True
    doubt: float = 20.0
    exchange_doubt: float = 5.0
    excess: float = 1.2
    width: int = 3
    width_likely: int = 1
    width_counted: int = 20


WHOLE = Ladder()
