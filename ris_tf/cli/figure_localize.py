"""`ris-tf figure spectrum|bound|ranges`: what a panel can see, and how well."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.figure import figure, target_file, write_figure
from ris_tf.cli.options import Overrides, Plugins
from ris_tf.cli.plugins import load_named, open_run

if TYPE_CHECKING:
    from ris_tf.config import Config

Run = Annotated[
    Path | None, typer.Argument(metavar="[RUN]", help="Folder of a run.", show_default=False)
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Configuration (file or name), where there is no run.",
        show_default="defaults",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="File: .pdf, .svg or .png.", show_default="of its name, .pdf"),
]
Scenes = Annotated[int, typer.Option(min=1, help="Test scenes behind each point.")]


@figure.command()
def spectrum(
    run: Run = None,
    scene: Annotated[int, typer.Option(min=0, help="Which test scene.")] = 0,
    method: Annotated[str, typer.Option(help="mvdr or music.")] = "mvdr",
    config: ConfigOption = None,
    out: Out = None,
    set_: Overrides = None,
    plugin: Plugins = None,
) -> None:
    """Spectra of a test scene, simulated or of data.test: the network's, the sample's, the true."""
    from ris_tf.cli.evaluate import test_files
    from ris_tf.config import ConfigError

    if method not in ("mvdr", "music"):
        raise ConfigError(key="--method", value=method, allowed="must be mvdr or music")
    chosen = _config(run, config, set_, plugin)
    target = target_file(out, Path("spectrum.pdf"))
    if run:
        _check_run(run, chosen)
    files = test_files(chosen)
    _load()
    from ris_tf.evaluation.illustrations import scene_of_test, spectra_of_scene
    from ris_tf.figures.localization import spectrum_figure
    from ris_tf.localizer import load_network

    one = scene_of_test(chosen, scene, files)
    pictures, truth = spectra_of_scene(chosen, load_network(run) if run else None, one, method)
    write_figure(spectrum_figure(pictures, truth), target)


@figure.command()
def bound(
    config: ConfigOption = None,
    scenes: Scenes = 200,
    out: Out = None,
    set_: Overrides = None,
    plugin: Plugins = None,
) -> None:
    """The Cramér-Rao bound against SNR, for each number of sources."""
    chosen = _config(None, config, set_, plugin)
    target = target_file(out, Path("bound.pdf"))
    _load()
    from ris_tf.evaluation.illustrations import bound_by_snr
    from ris_tf.figures.localization import bound_figure

    write_figure(bound_figure(bound_by_snr(chosen, scenes)), target)


@figure.command()
def ranges(
    config: ConfigOption = None,
    scenes: Scenes = 200,
    out: Out = None,
    set_: Overrides = None,
    plugin: Plugins = None,
) -> None:
    """The bound on range of one source against its distance: where the near field ends."""
    chosen = _config(None, config, set_, plugin)
    target = target_file(out, Path("ranges.pdf"))
    _load()
    from ris_tf.evaluation.illustrations import bound_by_range
    from ris_tf.figures.localization import ranges_figure

    write_figure(ranges_figure(bound_by_range(chosen, scenes)), target)


def _config(
    run: Path | None, config: Path | None, set_: list[str] | None, plugins: list[str] | None
) -> "Config":
    from ris_tf.config import ConfigError, load_config, override_config, parse_config

    load_named(plugins)
    if run and config:
        problem = "a run has a configuration of its own"
        raise ConfigError(problem, key="--config", remedy="leave it out")
    if run:
        base = load_config(open_run(run).config_path)
    else:
        base = load_config(config, []) if config else parse_config({})
    return override_config(base, set_ or [])


def _check_run(run: Path, chosen: "Config") -> None:
    from ris_tf.cli.evaluate import check_network
    from ris_tf.runlog import RunDirectory

    check_network(RunDirectory.open(run), chosen)


def _load() -> None:
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow()
