"""Plots to files: pictures of what is shown, tables of every value behind it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QBuffer, QByteArray, QPointF, QRectF, QSizeF
from PySide6.QtGui import QImage, QImageWriter, QPaintDevice, QPainter
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox

from gui.plots.picture import png_of, svg_of
from gui.tabs.tab import Tab
from ris_tf.errors import UserError

if TYPE_CHECKING:
    import pyqtgraph as pg

    from gui.window.window import MainWindow

FORMATS = ("PNG picture (*.png)", "SVG drawing (*.svg)", "CSV table of all values (*.csv)")
WIDTH = 1600  # pixels of a picture
ALL = "all plots of the tab"


class ExportError(UserError):
    """A plot cannot be saved."""


def ask_and_export(window: "MainWindow", choice: str | None = None) -> None:
    """Ask which plot, unless it is given, and where to, and save it."""
    tab = window.tab(window.tab_name)
    plots = titled(tab.plots())
    if not plots:
        window.notify(f"the {window.tab_name} tab has no plots to export")
        return
    if choice is None:
        choice, fine = QInputDialog.getItem(window, "Export", "Plot:", [ALL, *plots], 0, False)
        if not fine:
            return
    stem = window.tab_name if choice == ALL else file_stem(choice)
    name, kind = QFileDialog.getSaveFileName(window, "Export", f"{stem}.png", ";;".join(FORMATS))
    if not name:
        return
    path = Path(name)
    if not path.suffix:
        path = path.with_suffix("." + kind.rpartition(".")[2].rstrip(")"))

    def refuse(error: UserError) -> None:
        QMessageBox.warning(window, "Export", str(error))

    try:
        data = contents(tab, None if choice == ALL else choice, path)
    except ExportError as error:
        refuse(error)
    else:
        window.jobs.do(lambda: save(path, data), lambda _: window.notify(f"saved {path}"), refuse)


def file_stem(title: str) -> str:
    """A file's name for a plot, without its suffix.

    >>> file_stem("gradient norm (dashed: clip at 1)")
    'gradient-norm'
    """
    before = title.partition("(")[0].partition(":")[0]
    return "-".join(re.findall(r"[a-z0-9]+", before.lower())) or "plot"


def titled(plots: list[Any]) -> dict[str, Any]:
    """Plots by their titles, numbered where there is none."""
    found: dict[str, Any] = {}
    for i, plot in enumerate(plots):
        title = _title(plot) or f"plot {i + 1}"
        found[title if title not in found else f"{title} ({i + 1})"] = plot
    return found


def _title(plot: Any) -> str:
    """The title of a plot of ours, or of one of pyqtgraph."""
    return plot.titleLabel.text if hasattr(plot, "titleLabel") else plot.title


def contents(tab: Tab, title: str | None, path: Path) -> bytes:
    """A plot, or all of a tab, as a file of the kind that a path asks for.

    Args:
        tab: whose plots they are.
        title: of the plot, `None` for all.
        path: ends in .png, .svg or .csv.

    Raises:
        ExportError: the kind is unknown, or the plot has no table.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _table(tab, title)
    if suffix in (".png", ".svg"):
        return _picture(tab, title, suffix)
    raise ExportError(source=str(path), allowed="must end in .png, .svg or .csv")


def save(path: Path, data: bytes) -> None:
    """Write a file; the window has it done in another thread.

    Raises:
        ExportError: it cannot be written.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        problem = f"cannot be written: {error.strerror or error}"
        raise ExportError(problem, source=str(path)) from error


def _table(tab: Tab, title: str | None) -> bytes:
    text = tab.table(title)
    if not text:
        raise ExportError("this plot has no table of values", remedy="save it as .png or .svg")
    return text.encode()


def _picture(tab: Tab, title: str | None, suffix: str) -> bytes:
    plots = titled(tab.plots())
    chosen = [plots[title]] if title else list(plots.values())
    if not any(hasattr(plot, "scene") for plot in chosen):
        return svg_of(chosen) if suffix == ".svg" else png_of(chosen)
    if title:
        pieces = [Piece(plots[title].scene(), plots[title].sceneBoundingRect())]
    else:
        scenes = dict.fromkeys(plot.scene() for plot in plots.values())
        pieces = [Piece(scene, scene.views()[0].viewRect()) for scene in scenes]
    return _svg(pieces) if suffix == ".svg" else _png(pieces)


@dataclass(frozen=True)
class Piece:
    """A part of a scene, drawn below the pieces before it."""

    scene: "pg.GraphicsScene"
    part: QRectF


def scene_png(scene: "pg.GraphicsScene", part: QRectF) -> bytes:
    """A part of a scene as a PNG file."""
    return _png([Piece(scene, part)])


def _png(pieces: list[Piece]) -> bytes:
    size = _size(pieces)
    scale = WIDTH / size.width()
    image = QImage((size * scale).toSize(), QImage.Format.Format_RGB32)
    with _painting(image) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(scale, scale)
        _paint(painter, pieces)
    data = QBuffer()
    data.open(QBuffer.OpenModeFlag.WriteOnly)
    QImageWriter(data, QByteArray(b"png")).write(image)
    return bytes(data.data().data())


def _svg(pieces: list[Piece]) -> bytes:
    from PySide6.QtSvg import QSvgGenerator

    data, drawing, size = QBuffer(), QSvgGenerator(), _size(pieces)
    drawing.setOutputDevice(data)
    drawing.setSize(size.toSize())
    drawing.setViewBox(QRectF(QPointF(), size))
    with _painting(drawing) as painter:
        _paint(painter, pieces)
    return bytes(data.data().data())


def _size(pieces: list[Piece]) -> QSizeF:
    heights = sum(piece.part.height() for piece in pieces)
    return QSizeF(max(piece.part.width() for piece in pieces), heights)


def _paint(painter: QPainter, pieces: list[Piece]) -> None:
    """Draw pieces one below the other."""
    whole, top = _size(pieces), 0.0
    for scene, part in ((piece.scene, piece.part) for piece in pieces):
        place = QRectF(0, top, whole.width(), part.height())
        painter.fillRect(place, scene.views()[0].backgroundBrush())
        scene.render(painter, place, part)
        top += part.height()


@contextmanager
def _painting(device: QPaintDevice) -> Iterator[QPainter]:
    painter = QPainter(device)
    try:
        yield painter
    finally:
        painter.end()
