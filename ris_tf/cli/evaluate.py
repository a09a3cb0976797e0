"""`ris-tf evaluate`: estimators on the same test scenes, in tables and figures."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.options import Overrides

if TYPE_CHECKING:
    from rich.table import Table

    from ris_tf.config import Config
    from ris_tf.estimation.estimators import Estimator
    from ris_tf.evaluation import Report
    from ris_tf.evaluation.run import Evaluation
    from ris_tf.runlog import RunDirectory

DOCUMENTS = ("evaluation.json", "evaluation.csv", "evaluation.tex")


def evaluate(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RUN]...", help="Folders of runs.", show_default=False),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", help="Configuration, where there is no run.", show_default="all defaults"
        ),
    ] = None,
    estimators: Annotated[
        str, typer.Option(help="Names between commas, or all; --list tells them.")
    ] = "all",
    scenes: Annotated[int, typer.Option(min=1, help="How many test scenes.")] = 1000,
    snr_known: Annotated[
        bool, typer.Option(help="Tell estimators the SNR, or let them estimate the noise.")
    ] = True,
    count_known: Annotated[
        bool, typer.Option(help="Tell estimators the number of sources.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of tables and figures.", show_default="evaluation in the run"),
    ] = None,
    figures: Annotated[bool, typer.Option(help="Draw the figures.")] = True,
    list_: Annotated[bool, typer.Option("--list", help="Name the estimators and end.")] = False,
    set_: Overrides = None,
) -> None:
    """Compare estimators on fixed test scenes, by SNR and by number of sources."""
    from ris_tf.config import Config, ConfigError, load_config, override_config
    from ris_tf.estimation.names import ESTIMATORS, NETWORKED
    from ris_tf.runlog import RunDirectory

    if list_:
        for name, sentence in ESTIMATORS.items():
            typer.echo(f"{name:<17} {sentence}")
        return
    directories = [RunDirectory.open(run) for run in runs or []]
    if config and directories:
        raise ConfigError("--config: runs have configurations of their own; leave it out")
    if directories:
        base = load_config(directories[0].config_path)
    else:
        base = load_config(config, []) if config else Config()
    chosen = override_config(base, set_ or [])
    folder = out or (directories[0].path if directories else Path()) / "evaluation"
    _check_folder(folder)
    for directory in directories:
        check_network(directory, chosen)
    available = [n for n in ESTIMATORS if directories or n not in NETWORKED]
    names = _named(estimators, available, list(ESTIMATORS))
    settings = {
        "scenes": scenes,
        "panel": f"{chosen.geometry.columns} x {chosen.geometry.rows}",
        "sources": f"{chosen.scene.sources_min}..{chosen.scene.sources_max}",
        "snr_db": "{:g}..{:g}".format(*chosen.scene.snr_db),
        "separation_deg": chosen.scene.separation_deg,
        "seed": chosen.seed,
        "snr": "known" if snr_known else "estimated",
        "source count": "known" if count_known else "estimated",
        "runs": ", ".join(d.identity.name for d in directories) or "none",
    }
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow()
    from ris_tf.estimation.chunks import share_processors

    share_processors()
    from ris_tf.evaluation.run import Evaluation

    used = _estimators(chosen, directories, names)
    evaluation = Evaluation(chosen, used, scenes, snr_known, count_known)
    _run(evaluation, scenes)
    report = evaluation.report(settings)
    _show(report)
    _write(report, folder, figures)


def _check_folder(folder: Path) -> None:
    from ris_tf.config import ConfigError

    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--out {folder}: is a file; name a folder")


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
                f"{directory.path}: its {section}.{name} is {mine}, the scenes' is {theirs}; "
                "evaluate it apart"
            )
    if not directory.best_network.exists():
        raise ConfigError(
            f"{directory.path}: has no trained network yet; "
            f"ris-tf train --resume {directory.path} goes on with it"
        )


def _named(wanted: str, available: list[str], every: list[str]) -> list[str]:
    """Estimators by the names that were typed."""
    from ris_tf.config import ConfigError

    names = [name.strip() for name in wanted.split(",") if name.strip()]
    if names == ["all"]:
        return available
    for name in names:
        if name not in every:
            near = difflib.get_close_matches(name, every, 1)
            hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(every)}"
            raise ConfigError(f"--estimators {name}: no such estimator; {hint}")
        if name not in available:
            raise ConfigError(f"--estimators {name}: takes a run's network; name a run")
    if not names:
        raise ConfigError(f"--estimators: names none; all, or some of {', '.join(available)}")
    return [name for name in available if name in names]


def _estimators(config: "Config", directories: list, names: list[str]) -> "dict[str, Estimator]":
    """Estimators by the name of their row: of several runs, those of networks come once a run."""
    from ris_tf.estimation.estimators import Estimators
    from ris_tf.estimation.names import NETWORKED
    from ris_tf.localizer import load_network

    sets = [Estimators(config, load_network(d.path)) for d in directories]
    sets = sets or [Estimators(config)]
    used = {}
    for name in names:
        several = len(sets) > 1 and name in NETWORKED
        for which, directory in zip(sets, directories or [None], strict=True):
            label = f"{directory.identity.name}: {name}" if several and directory else name
            used.setdefault(label, which.named(name))
    return used


def _run(evaluation: "Evaluation", scenes: int) -> None:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks = {name: progress.add_task(name, total=scenes) for name in evaluation.estimators}
        evaluation.run(lambda name, done: progress.update(tasks[name], completed=done))


def _show(report: "Report") -> None:
    """The table of all scenes, then recall by SNR and by number of sources."""
    from rich.console import Console
    from rich.table import Table

    from ris_tf.evaluation import ALL, BY_COUNT, BY_SNR, COLUMNS

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=220)
    words = "; ".join(f"{key} {value}" for key, value in report.settings.items())
    console.print(words, soft_wrap=True)
    table = Table(title="all scenes: errors are RMSE of sources found within 5 deg", box=None)
    table.add_column("estimator", no_wrap=True)
    for column in COLUMNS:
        table.add_column(column.title, justify="right")
    for row in [*report.of(ALL), *(row for row in report.bound if row.kind == ALL)]:
        table.add_row(row.estimator, *(c.text(row.metrics.get(c.name)) for c in COLUMNS))
    console.print(table)
    for kind, title in ((BY_SNR, "by SNR (dB)"), (BY_COUNT, "by number of sources")):
        console.print(_by_group(report, kind, title))
    console.print(
        "± half of a 95 % confidence interval; error/bound is a median: 0.67 is efficient",
        soft_wrap=True,
    )


def _by_group(report: "Report", kind: str, title: str) -> "Table":
    """Recall in direction / in position / count accuracy of every estimator on every group."""
    from rich.table import Table

    from ris_tf.evaluation import COLUMNS

    columns = [c for c in COLUMNS if c.name in ("recall_direction", "recall_position")]
    levels = sorted({row.level for row in report.of(kind)})
    table = Table(title=f"found within 5 deg / and 1 m (%), {title}", box=None)
    table.add_column("estimator", no_wrap=True)
    for level in levels:
        table.add_column(f"{level:g}", justify="right")
    for name in report.estimators:
        cells = [
            " / ".join(c.text(row.metrics.get(c.name), interval=False) for c in columns)
            for row in report.of(kind, name)
        ]
        table.add_row(name, *cells)
    return table


def _write(report: "Report", folder: Path, figures: bool) -> None:
    from ris_tf.config import ConfigError
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
        raise ConfigError(
            f"--out {folder}: cannot be written: {error.strerror or error}; choose another folder"
        ) from error
    typer.echo(f"written to {folder}: {', '.join(DOCUMENTS)}{', figures' if figures else ''}")
