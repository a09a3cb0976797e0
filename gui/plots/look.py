"""How plots look: colours, letters and lines, on the screen and on paper."""

from dataclasses import dataclass, replace
from functools import cache

from PySide6.QtGui import QColor, QFont, QFontMetricsF

from gui.theme import LIGHT, Theme

RAW_SHARE = 0.33  # of a curve's colour that its raw values have, mixed with the background
FADED_SHARE = 0.25  # of the colours of all curves but the one that is lifted
BAND_SHARE = 0.22


@dataclass(frozen=True)
class Look:
    """Sizes in pixels.

    Attributes:
        theme: colours.
        text: height of letters of ticks and labels.
        title: height of letters of titles.
        line: width of lines in front.
        thin: of those among many.
        raw: width of raw values behind them.
        dot: diameter of validations' dots.
        family: of the letters, empty for the program's.
        draft: whether lines are drawn as quickly as possible, while something moves.
        fine_raw: whether raw values have smooth edges, too; on the screen, noise needs none.
    """

    theme: Theme = LIGHT
    text: float = 11.0
    title: float = 12.0
    line: float = 1.7
    thin: float = 1.0  # Qt draws wider ones three times as slowly
    raw: float = 1.0
    dot: float = 6.0
    family: str = ""
    draft: bool = False
    fine_raw: bool = False

    @property
    def of_many(self) -> "Look":
        """The same for many curves: thinner, with smaller dots."""
        return replace(self, line=self.thin, dot=0.5 * self.dot)

    @property
    def drafted(self) -> "Look":
        """The same, drawn quickly."""
        return replace(self, line=1.0, thin=1.0, raw=1.0, draft=True)

    @property
    def small(self) -> QFont:
        """Letters of ticks and labels."""
        return _font(self.family, round(self.text), QFont.Weight.Normal)

    @property
    def large(self) -> QFont:
        """Letters of titles."""
        return _font(self.family, round(self.title), QFont.Weight.DemiBold)

    @property
    def metrics(self) -> QFontMetricsF:
        """What small letters take."""
        return _metrics(self.family, round(self.text), QFont.Weight.Normal)

    @property
    def title_metrics(self) -> QFontMetricsF:
        """What letters of titles take."""
        return _metrics(self.family, round(self.title), QFont.Weight.DemiBold)

    def in_theme(self, theme: Theme) -> "Look":
        """The same in other colours."""
        return replace(self, theme=theme)

    def colour(self, colour: str) -> QColor:
        """A curve's colour."""
        return QColor(self.theme.curve(colour))

    def mixed(self, colour: QColor, share: float) -> QColor:
        """A colour as if it were drawn faintly; far quicker to draw than a translucent one."""
        back, rest = QColor(self.theme.background), 1 - share
        return QColor(
            round(share * colour.red() + rest * back.red()),
            round(share * colour.green() + rest * back.green()),
            round(share * colour.blue() + rest * back.blue()),
        )


@cache
def _font(family: str, pixels: int, weight: QFont.Weight) -> QFont:
    font = QFont(family) if family else QFont()
    font.setPixelSize(pixels)
    font.setWeight(weight)
    return font


@cache
def _metrics(family: str, pixels: int, weight: QFont.Weight) -> QFontMetricsF:
    return QFontMetricsF(_font(family, pixels, weight))


SCREEN = Look()
# On a page, a picture 800 pixels wide is about 12 cm: letters of 8 points, lines of 0.75.
PAPER = Look(text=15.0, title=16.0, line=2.2, thin=1.65, raw=1.2, dot=8.0, fine_raw=True)
