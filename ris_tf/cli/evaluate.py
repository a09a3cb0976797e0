"""`ris-tf evaluate`: estimators on the same test scenes, in tables and figures."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.options import CalibrationFile, Device, Overrides, Plugins, require_out
from ris_tf.cli.plugins import load_named, open_run
from ris_tf.cli.progress import JsonProgress, ProgressForm, shown
from ris_tf.cli.terminal import cell, console, say
from ris_tf.device import choose_device

if TYPE_CHECKING:
    from rich.table import Table

    from ris_tf.config import Config
    from ris_tf.config.scene import Imperfections
    from ris_tf.data.scene_set import SceneSet
    from ris_tf.estimation.estimators import Estimator
    from ris_tf.evaluation import Report
    from ris_tf.evaluation.run import Evaluation
    from ris_tf.runlog import RunDirectory

RECALLS = "recall_direction", "recall_position"
COVERED = "azimuth_covered", "elevation_covered", "range_covered"
FOUND = "found within 5 deg / and 1 m (%)"
HELD = "intervals at 95 % that hold the truth (%): azimuth / elevation / range"
FOLDER = "evaluation"  # in the run, or here
DOCUMENTS = ("evaluation.json", "evaluation.csv", "evaluation.tex")


def evaluate(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RUN]...", help="Folders of runs.", show_default=False),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="Configuration (file or name), where there is no run.",
            show_default="all defaults",
        ),
    ] = None,
    estimators: Annotated[
        str, typer.Option(help="Names between commas, or all; --list shows them.")
    ] = "all",
    scenes: Annotated[int, typer.Option(min=1, help="How many test scenes.")] = 1000,
    snr_known: Annotated[
        bool, typer.Option(help="Give estimators the SNR, or let them estimate the noise.")
    ] = True,
    count_known: Annotated[
        bool, typer.Option(help="Give estimators the number of sources.")
    ] = False,
    imperfections: Annotated[
        str | None,
        typer.Option(
            help="Named set of the hardware's imperfections: none or typical.",
            show_default="the configuration's",
        ),
    ] = None,
    calibration: CalibrationFile = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of tables and figures.", show_default="evaluation in the run"),
    ] = None,
    figures: Annotated[bool, typer.Option(help="Draw the figures.")] = True,
    progress: Annotated[
        ProgressForm,
        typer.Option(help="How to show progress: a bar, or lines of JSON for other programs."),
    ] = ProgressForm.BAR,
    list_: Annotated[bool, typer.Option("--list", help="Name the estimators and end.")] = False,
    set_: Overrides = None,
    device: Device = None,
    plugin: Plugins = None,
) -> None:
    """Compare estimators on fixed test scenes, by SNR and by number of sources."""
    from ris_tf.config import (
        ConfigError,
        load_config,
        override_config,
        parse_config,
        with_calibration,
        with_imperfections,
    )
    from ris_tf.estimation.catalogue import ESTIMATORS
    from ris_tf.runlog import distinct_names

    choose_device(device)
    load_named(plugin)
    if list_:
        width = max(map(len, ESTIMATORS))
        for name, one in ESTIMATORS.items():
            say(f"{name:<{width}}  {one.sentence}")
        return
    _require_once(runs or [])
    directories = [open_run(run) for run in runs or []]
    called = distinct_names([directory.path for directory in directories])
    if config and directories:
        problem = "runs have configurations of their own"
        raise ConfigError(problem, key="--config", remedy="leave it out")
    if directories:
        base = load_config(directories[0].config_path)
    else:
        base = load_config(config, []) if config else parse_config({})
    if imperfections is not None:
        base = with_imperfections(base, imperfections)
    chosen = override_config(base, set_ or [])
    if calibration:
        chosen = with_calibration(chosen, calibration)
    folder = out or (directories[0].own_folder(FOLDER) if directories else Path(FOLDER))
    _check_folder(folder)
    for directory in directories:
        check_network(directory, chosen)
    available = [name for name, one in ESTIMATORS.items() if directories or not one.network]
    names = _named(estimators, available)
    _say_cost(chosen, names or available, len(directories))
    files = test_files(chosen)
    settings = {
        "scenes": min(scenes, files.scenes) if files else scenes,
        "panel": f"{chosen.geometry.columns} x {chosen.geometry.rows}",
        **({"test": files.text} if files else _simulated(chosen)),
        "snr": "known" if snr_known else "estimated",
        "source count": "known" if count_known else "estimated",
        "runs": ", ".join(called) or "none",
    }
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow()
    from ris_tf.estimation.chunks import share_processors
    from ris_tf.processor import available_threads

    share_processors(available_threads())
    from ris_tf.evaluation.run import Evaluation

    used = _estimators(chosen, dict(zip(called, directories, strict=True)), names)
    evaluation = Evaluation(chosen, used, scenes, snr_known, count_known, files)
    _run(evaluation, progress)
    report = evaluation.report(settings)
    _show(report)
    _write(report, folder, figures)


def _say_cost(config: "Config", names: list[str], runs: int) -> None:
    """What the estimators take, where that is much; refused where this machine has not got it."""
    from ris_tf.config.cost import estimation_words, require_room_for_estimation
    from ris_tf.estimation.catalogue import ESTIMATORS

    chosen = [ESTIMATORS[name] for name in names]
    scans = sum(runs if one.network else 1 for one in chosen if one.scans)
    fits = any(one.searches for one in chosen)
    require_room_for_estimation(config, scans, fits)
    if words := estimation_words(config, scans, fits):
        say(f"takes {words}")


def test_files(config: "Config") -> "SceneSet | None":
    """The scenes of `data.test`, whose labels must have ranges; `None` where it is empty."""
    from ris_tf.data.errors import DataError
    from ris_tf.data.scene_set import SceneSet
    from ris_tf.training.file_data import made_otherwise

    if config.data.test is None:
        return None
    files = SceneSet(config.data.test, "data.test", config)
    if "range_m" in files.missing:
        problem = "has no range_m, without which there are no errors of positions"
        raise DataError(problem, key=files.key, value=files.text)
    for remark in made_otherwise(files):
        say(remark.text)
    return files


def _simulated(config: "Config") -> dict[str, object]:
    """What describes simulated test scenes."""
    return {
        "sources": f"{config.scene.sources_min}..{config.scene.sources_max}",
        "snr_db": "{:g}..{:g}".format(*config.scene.snr_db),
        "separation_deg": config.scene.separation_deg,
        "seed": config.seed,
        "imperfections": _name_of(config.imperfections),
    }


def _name_of(imperfections: "Imperfections") -> str:
    """The name of a set of imperfections, of others `own`; and whether they are known."""
    from ris_tf.config.scene import IMPERFECTIONS, Imperfections

    always = ("fixed", "seed", "calibration", "digest")
    plain = imperfections.model_copy(update={n: getattr(Imperfections(), n) for n in always})
    names = [name for name, one in IMPERFECTIONS.items() if one == plain]
    words = [names[0] if names else "own"]
    words += ["fixed"] if imperfections.fixed else []
    words += ["calibrated"] if imperfections.calibration else []
    return ", ".join(words)


def _require_once(runs: list[Path]) -> None:
    """Refuse a run that is given twice, by whatever path: its rows would have the same name."""
    from ris_tf.config import ConfigError

    given: dict[Path, Path] = {}
    for run in runs:
        first = given.setdefault(run.resolve(), run)
        if first is not run:
            problem = f"is the same run as {first}"
            raise ConfigError(problem, source=str(run), remedy="give each once")


def _check_folder(folder: Path) -> None:
    from ris_tf.config import ConfigError

    if folder.exists() and not folder.is_dir():
        raise ConfigError("is a file", key="--out", value=folder, remedy="name a folder")
    require_out("--out", folder / DOCUMENTS[0])


def check_network(directory: "RunDirectory", config: "Config") -> None:
    """A run's network must fit the scenes."""
    from ris_tf.config import ConfigError, load_config

    own = load_config(directory.config_path)
    for section, name in (
        *(("geometry", name) for name in type(own.geometry).model_fields),
        *(("scene", name) for name in ("antennas", "snapshots", "sources_max", "symbols")),
    ):
        mine, theirs = getattr(getattr(own, section), name), getattr(getattr(config, section), name)
        if mine != theirs:
            raise ConfigError(
                f"the scenes' is {theirs}",
                source=str(directory.path),
                key=f"{section}.{name}",
                value=mine,
                remedy="evaluate it apart",
            )
    if not directory.best_network.exists():
        raise ConfigError(
            "has no trained network yet",
            source=str(directory.path),
            remedy=f"ris-tf train --resume {directory.path} goes on with it",
        )


def _named(wanted: str, available: list[str]) -> list[str]:
    """Estimators by the names that were typed; nothing where all were asked for."""
    from ris_tf.config import ConfigError
    from ris_tf.estimation.catalogue import ESTIMATORS

    names = [name.strip() for name in wanted.split(",") if name.strip()]
    if names == ["all"]:
        return []
    for name in names:
        if name not in ESTIMATORS:
            raise ESTIMATORS.unknown(name, "--estimators")
        if name not in available:
            problem = "takes a run's network"
            raise ConfigError(problem, key="--estimators", value=name, remedy="name a run")
    if not names:
        allowed = f"must be all, or some of {', '.join(available)}"
        raise ConfigError("names none", key="--estimators", allowed=allowed)
    return [name for name in available if name in names]


def _estimators(
    config: "Config", runs: "dict[str, RunDirectory]", names: list[str]
) -> "dict[str, Estimator]":
    """Estimators by the name of their row: of several runs, those of networks come once a run."""
    from ris_tf.estimation.catalogue import ESTIMATORS
    from ris_tf.estimation.estimators import Estimators
    from ris_tf.localizer import load_network

    sets = {label: Estimators(config, load_network(run.path)) for label, run in runs.items()}
    first, *others = sets.items() or [("", Estimators(config))]
    used = {}
    for name in names or ESTIMATORS:
        several = others and ESTIMATORS[name].network
        for label, estimators in sets.items() if several else [first]:
            if names or not estimators.problem(name):  # all means all that can be used
                used[f"{label}: {name}" if several else name] = estimators.named(name)
    return used


def _run(evaluation: "Evaluation", form: ProgressForm) -> None:
    """Estimate all scenes; progress goes to the standard error."""
    if form == ProgressForm.JSON:
        evaluation.run(JsonProgress(list(evaluation.estimators), evaluation.scenes))
        return
    with shown(list(evaluation.estimators), evaluation.scenes) as progressed:
        evaluation.run(progressed)


def _show(report: "Report") -> None:
    """The table of all scenes, then recall by SNR and by number of sources."""
    from rich.table import Table

    from ris_tf.evaluation import ALL, BY_COUNT, BY_SNR, COLUMNS

    printed = console()
    if not printed.is_terminal:
        printed = console(width=220)
    words = "; ".join(f"{key} {value}" for key, value in report.settings.items())
    say(words)
    table = Table(title="all scenes: errors are RMSE of sources found within 5 deg", box=None)
    table.add_column("estimator", no_wrap=True)
    for column in COLUMNS:
        table.add_column(column.title, justify="right")
    for row in [*report.of(ALL), *(row for row in report.bound if row.kind == ALL)]:
        table.add_row(cell(row.estimator), *(c.text(row.metrics.get(c.name)) for c in COLUMNS))
    printed.print(table)
    judged = not all(math.isnan(row.metrics[COVERED[0]].value) for row in report.of(ALL))
    for names, words in ((RECALLS, FOUND), *([(COVERED, HELD)] if judged else [])):
        for kind, title in ((BY_SNR, "by SNR (dB)"), (BY_COUNT, "by number of sources")):
            printed.print(_by_group(report, kind, names, f"{words}, {title}"))
    say(
        "± or + and −: 95 % confidence interval; az/bound, el/bound, range/bound: median of the "
        "error over the Cramér-Rao bound, 0.67 for Gaussian errors that reach the bound"
    )


def _by_group(report: "Report", kind: str, names: tuple[str, ...], title: str) -> "Table":
    """Some shares of every estimator on every group; without those that have none."""
    from rich.table import Table

    from ris_tf.evaluation.tables import Column

    shares = [Column(name, "", "", 100, 1) for name in names]
    levels = sorted({row.level for row in report.of(kind)})
    table = Table(title=title, box=None)
    table.add_column("estimator", no_wrap=True)
    for level in levels:
        table.add_column(f"{level:g}", justify="right")
    for name in report.estimators:
        shown = [
            " / ".join(share.text(row.metrics.get(share.name), interval=False) for share in shares)
            for row in report.of(kind, name)
        ]
        if all(text.strip("- /") == "" for text in shown):
            continue
        table.add_row(cell(name), *shown)
    return table


def _write(report: "Report", folder: Path, figures: bool) -> None:
    from ris_tf.config import not_written
    from ris_tf.evaluation import csv_table, json_document, latex_table
    from ris_tf.runlog import atomic_write

    makers = zip(DOCUMENTS, (json_document, csv_table, latex_table), strict=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, make in makers:
            atomic_write(folder / name, make(report).encode())
        if figures:
            from ris_tf.figures import save_figure
            from ris_tf.figures.evaluation import evaluation_figures

            for name, figure in evaluation_figures(report).items():
                save_figure(figure, folder / f"{name}.pdf")
    except OSError as error:
        raise not_written("--out", folder, error, "choose another folder") from error
    say(f"written to {folder}: {', '.join(DOCUMENTS)}{', figures' if figures else ''}")
