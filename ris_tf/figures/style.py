"""What all figures share: colours that differ in grey too, and how they are saved."""

import io
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ris_tf.runlog import atomic_write

# Okabe and Ito's colours, for colour-blind eyes too, in an order that differs in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", "-.", ":")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure atomically, in the format of the suffix."""
    data = io.BytesIO()
    figure.savefig(data, format=path.suffix[1:].lower(), dpi=100)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, data.getvalue())


def bare(axis: Axes) -> None:
    """A faint grid, and no frame at the top and right."""
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)


def literal(text: str, longest: int = 60) -> str:
    """Text that matplotlib draws as it is, in one line: dollars would begin a formula.

    Args:
        text: from a file or a command line.
        longest: largest number of characters; a longer text ends in an ellipsis.
    """
    shown = "".join(c if c.isprintable() else " " for c in text)
    shown = shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"
    return shown.replace("$", r"\$")
