"""The line above the tabs, which names the run that they show."""

import math
from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from gui.models.headline import Headline
from gui.theme import LIGHT, Theme

SPACE = 14  # pixels between facts
BAR = QSize(90, 6)
MARGINS = (10, 6, 10, 4)
LINE = 18  # pixels of the line, at least


class HeadlineBar(QWidget):
    """Name, state, progress and facts; those that do not fit stand in the tooltip."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.theme = LIGHT
        self.headline = Headline("")
        self.name, self.state, self.progress = Elided(), QLabel(), ProgressLine()
        bold = QFont(self.font())
        bold.setBold(True)
        self.name.setFont(bold)
        self.facts = FactsLine()
        self.setAccessibleName("the run that is shown")
        line = QHBoxLayout(self)
        line.setContentsMargins(*MARGINS)
        # As high with a bar as without: what is below must not jump when a run begins or ends.
        self.setMinimumHeight(MARGINS[1] + LINE + MARGINS[3])
        line.setSpacing(SPACE)
        for widget, stretch in (
            (self.name, 0),
            (self.state, 0),
            (self.progress, 0),
            (self.facts, 1),
        ):
            line.addWidget(widget, stretch)

    def show_headline(self, headline: Headline) -> None:
        """Show something else; costs nothing where it is the same."""
        if headline == self.headline:
            return
        self.headline = headline
        self.name.show_text(headline.name)
        self.state.setText(headline.mark)
        self.state.setVisible(bool(headline.state))
        self.progress.show_share(headline.share)
        self.facts.show_facts([text for text, _ in headline.facts])
        lines = [f"{text}: {about}" if about else text for text, about in headline.facts]
        self.facts.setToolTip("\n".join(lines))
        self.setAccessibleDescription(", ".join([headline.name, headline.mark, *lines]))
        self._colour()

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        self._colour()

    def _colour(self) -> None:
        colour = self.theme.state(self.headline.state)
        self.state.setStyleSheet(f"color: {colour}")
        self.progress.colour, self.progress.groove = QColor(colour), QColor(self.theme.grid)
        self.facts.colour = QColor(self.theme.muted)
        self.progress.update()
        self.facts.update()


class Elided(QLabel):
    """A name that may be cut in its middle, and is whole in its tooltip."""

    LONGEST = 300  # pixels

    def show_text(self, text: str, longest: int = LONGEST) -> None:
        """Show a text, cut to a number of pixels."""
        metrics = self.fontMetrics()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, longest))
        self.setToolTip(text)


class ProgressLine(QWidget):
    """A thin bar."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.share = math.nan
        self.colour, self.groove = QColor(LIGHT.accent), QColor(LIGHT.grid)
        self.setFixedSize(BAR.width(), LINE)
        self.setAccessibleName("progress")

    def show_share(self, share: float) -> None:
        """Show a share of 0..1, or no bar where it is not known."""
        self.share = share
        self.setVisible(math.isfinite(share))
        self.setToolTip(f"{share:.1%} of all windows" if math.isfinite(share) else "")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bar."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        top = (self.height() - BAR.height()) / 2
        for colour, width in ((self.groove, 1.0), (self.colour, self.share)):
            if math.isfinite(width):
                painter.setBrush(colour)
                where = QRectF(0, top, BAR.width() * width, BAR.height())
                painter.drawRoundedRect(where, BAR.height() / 2, BAR.height() / 2)
        painter.end()


class FactsLine(QWidget):
    """Facts side by side, as many as there is room for, first things first."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.texts: list[str] = []
        self.colour = QColor(LIGHT.muted)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def show_facts(self, texts: Sequence[str]) -> None:
        """Show other facts."""
        self.texts = list(texts)
        self.update()

    def sizeHint(self) -> QSize:
        """A line."""
        return QSize(0, self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """As many facts as fit; a mark where there are more."""
        del event
        painter = QPainter(self)
        painter.setPen(self.colour)
        metrics, x = painter.fontMetrics(), 0
        middle = Qt.AlignmentFlag.AlignVCenter
        for i, text in enumerate(self.texts):
            width = metrics.horizontalAdvance(text)
            more = metrics.horizontalAdvance("…") if i + 1 < len(self.texts) else 0
            if x + width + more > self.width():
                painter.drawText(x, 0, self.width() - x, self.height(), middle, "…")
                break
            painter.drawText(x, 0, width + 1, self.height(), middle, text)
            x += width + SPACE
        painter.end()
