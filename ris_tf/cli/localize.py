"""`ris-tf localize`: measurements in, positions out."""

import csv
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.options import (
    CalibrationFile,
    ConvertFile,
    Device,
    Overrides,
    Plugins,
    RunFolder,
    conversion_of,
    require_conversion,
    require_out,
    write_out,
)
from ris_tf.cli.plugins import load_named, open_run
from ris_tf.cli.terminal import console, say
from ris_tf.device import choose_device
from ris_tf.words import counted

if TYPE_CHECKING:
    from ris_tf.config import Config
    from ris_tf.localizer import Localization

FORMATS = (".csv", ".json")
PICTURES = (".png", ".svg", ".pdf")
SHOWN = 20  # scenes in the terminal
VALUES = ("azimuth_deg", "elevation_deg", "range_m")
DEVIATIONS = ("azimuth_std_deg", "elevation_std_deg", "range_std_m")
INTERVAL = ("range_low_m", "range_high_m")
OF_SOURCE = VALUES + DEVIATIONS + INTERVAL
OF_SCENE = ("count", "snr_db", "residual", "residual_over_noise")


def localize(
    run: RunFolder,
    file: Annotated[
        Path,
        typer.Argument(
            help="Measurements: y, channel and codes in .npz, HDF5 or MATLAB, or a folder of such.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Positions: a .csv or .json file.", show_default="the terminal alone"),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(help="Picture: .png, .svg or .pdf.", show_default="beside --out, .pdf"),
    ] = None,
    scene: Annotated[int, typer.Option(min=0, help="The scene of the picture.")] = 0,
    snr_db: Annotated[
        float | None,
        typer.Option("--snr", help="SNR in dB.", show_default="the file's snr_db, or estimated"),
    ] = None,
    estimate_snr: Annotated[
        bool, typer.Option("--estimate-snr", help="Pass over the file's snr_db.")
    ] = False,
    count: Annotated[
        int | None, typer.Option(min=1, help="Sources in every scene.", show_default="counted")
    ] = None,
    model_error: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Share of the signal's energy that the hardware's model does not explain, where "
            "the SNR is given; typical hardware has 0.037.",
            show_default="localize.model_error of the run",
        ),
    ] = None,
    calibration: CalibrationFile = None,
    estimator: Annotated[
        str, typer.Option(help="Which; ris-tf evaluate --list names them.")
    ] = "network-music+ml",
    convert: ConvertFile = None,
    set_: Overrides = None,
    device: Device = None,
    plugin: Plugins = None,
) -> None:
    """Find the sources behind measurements, with standard deviations."""
    from ris_tf.config import ConfigError, load_config

    choose_device(device)
    load_named(plugin)
    directory = open_run(run)
    _check_estimator(estimator)
    require_conversion(set_ or [])
    config = load_config(directory.config_path)
    max_sources = config.scene.sources_max
    if count and count > max_sources:
        problem = f"the run's network finds at most {counted(max_sources, 'source')}"
        raise ConfigError(problem, key="--count", value=count)
    if snr_db is not None and not math.isfinite(snr_db):
        raise ConfigError(key="--snr", value=snr_db, allowed="must be a number of dB")
    if not file.exists():
        raise ConfigError("no such file", source=str(file))
    conversion = conversion_of(file, convert, set_ or [])
    picture = _require_outputs(out, figure)
    _say_cost(config, estimator, bool(picture))
    _load_tensorflow()
    from ris_tf.data.measured import MeasurementError, read_measurements
    from ris_tf.data.orientation import refuse_transposed
    from ris_tf.data.reading import sizes_of
    from ris_tf.localizer import Localizer

    arrays = read_measurements(file, conversion, sizes_of(config))
    refuse_transposed(config, file, conversion)
    scenes = len(arrays["y"]) if arrays["y"].ndim > 2 else 1
    if picture and scene >= scenes:
        problem = f"the file holds scenes 0..{scenes - 1}"
        raise ConfigError(problem, key="--scene", value=scene)
    known_snr = None if estimate_snr else arrays.pop("snr_db", None)
    known_snr = known_snr if snr_db is None else snr_db
    received = arrays["y"], arrays["channel"], arrays["codes"]
    localizer = Localizer.load(run, estimator, model_error, calibration)
    try:
        located = localizer.localize(*received, known_snr, count)
    except MeasurementError as error:
        raise error.with_source(str(file)) from error
    _show(located, "estimated" if known_snr is None else "given")
    if out:
        write_out(out, csv_text(located) if out.suffix.lower() == ".csv" else json_text(located))
    if picture:
        behind = localizer.spectrum(*received, scene)
        _draw(_of_scene(located, scene), behind, f"{file.name}, scene {scene}", picture)


def _require_outputs(out: Path | None, figure: Path | None) -> Path | None:
    """The file of the picture, beside `--out` by default; refuses what could not be written.

    Raises:
        ConfigError: naming the option.
    """
    from ris_tf.config import ConfigError

    if out and out.suffix.lower() not in FORMATS:
        allowed = f"must end in {' or '.join(FORMATS)}"
        raise ConfigError(key="--out", value=out, allowed=allowed)
    picture = figure or (out.with_suffix(".pdf") if out else None)
    if picture and picture.suffix.lower() not in PICTURES:
        allowed = f"must end in {', '.join(PICTURES)}"
        raise ConfigError(key="--figure", value=picture, allowed=allowed)
    for option, path in (("--out", out), ("--figure", picture)):
        if path:
            require_out(option, path)
    return picture


def _draw(of_scene: dict, spectrum: tuple, title: str, out: Path) -> None:
    """The positions of a scene before its spectrum."""
    import numpy as np

    from ris_tf.cli.figure import write_figure
    from ris_tf.evaluation.pictures import Picture
    from ris_tf.figures.positions import positions_figure

    grid, power = spectrum
    behind = Picture(np.degrees(grid.azimuth), np.degrees(grid.elevation), power, "MVDR")
    write_figure(positions_figure(of_scene, behind, title), out)


def _load_tensorflow() -> None:
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow()
    from ris_tf.estimation.chunks import share_processors
    from ris_tf.processor import available_threads

    share_processors(available_threads())


def _say_cost(config: "Config", name: str, picture: bool) -> None:
    """What an estimator takes, where that is much; refused where this machine has not got it."""
    from ris_tf.config.cost import estimation_words, require_room_for_estimation
    from ris_tf.estimation.catalogue import ESTIMATORS

    scans, fits = ESTIMATORS[name].scans + picture, ESTIMATORS[name].searches
    require_room_for_estimation(config, scans, fits)
    if words := estimation_words(config, scans, fits):
        say(f"takes {words}", err=True)


def _check_estimator(name: str) -> None:
    from ris_tf.config import ConfigError
    from ris_tf.estimation.catalogue import ESTIMATORS

    if name not in ESTIMATORS:
        raise ESTIMATORS.unknown(name, "--estimator")
    if ESTIMATORS[name].truth:
        problem = "starts at the truth, which is not known of measurements"
        raise ConfigError(problem, key="--estimator", value=name, remedy="choose another")


def csv_text(located: "Localization") -> str:
    """A line for each source."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["scene", "source", *VALUES, *DEVIATIONS, *INTERVAL, *OF_SCENE])
    for scene, count in enumerate(located.count):
        of_scene = [_number(getattr(located, name)[scene]) for name in OF_SCENE]
        for source in range(count):
            values = [_number(getattr(located, name)[scene, source]) for name in OF_SOURCE]
            table.writerow([scene, source, *values, *of_scene])
    return text.getvalue()


def json_text(located: "Localization") -> str:
    """A list of scenes, each with its sources; what is not finite is null."""
    return json.dumps([_of_scene(located, i) for i in range(len(located.count))], indent=1) + "\n"


def _of_scene(located: "Localization", scene: int) -> dict:
    """One scene as a document."""
    values = {name: _finite(getattr(located, name)[scene]) for name in OF_SCENE}
    sources = [
        {name: _finite(getattr(located, name)[scene, source]) for name in OF_SOURCE}
        for source in range(located.count[scene])
    ]
    return {"scene": scene, **values, "count": len(sources), "sources": sources}


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _number(value: float) -> str:
    return f"{value:.6g}"


def _show(located: "Localization", snr: str) -> None:
    from rich.table import Table

    printed = console()
    if not printed.is_terminal:
        printed = console(width=120)
    table = Table(box=None)
    titles = ("scene", "azimuth (deg)", "elevation (deg)", "range (m)", f"SNR (dB, {snr})")
    for title in (*titles, "unexplained"):
        table.add_column(title, justify="right")
    for scene, count in enumerate(located.count[:SHOWN]):
        level = round(float(located.snr_db[scene]), 1) + 0.0  # never -0.0
        of_scene = f"{level:.1f}", f"{100 * located.residual[scene]:.2g} %"
        if not count:
            table.add_row(str(scene), "no source", "", "", *of_scene)
        for source in range(count):
            cells = (
                f"{getattr(located, value)[scene, source]:.3f} "
                f"± {getattr(located, deviation)[scene, source]:.3f}"
                for value, deviation in zip(VALUES, DEVIATIONS, strict=True)
            )
            first = source == 0
            table.add_row(str(scene) if first else "", *cells, *(of_scene if first else ("", "")))
    printed.print(table)
    more = len(located.count) - SHOWN
    if more > 0:
        say(f"and {counted(more, 'more scene')}; --out writes all")
    if not located.count.any():
        say("no source in any scene: ris-tf data inspect tries other conventions")
