"""Arguments that several commands take, with the same words everywhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.terminal import say

if TYPE_CHECKING:
    from ris_tf.config import Conversion

CONFIG_HELP = "Configuration: a file, or the name of one that comes with ris_tf, as quickstart."
ConfigFile = Annotated[Path, typer.Argument(help=CONFIG_HELP, show_default=False)]
RunFolder = Annotated[Path, typer.Argument(help="Folder of the run.", show_default=False)]
AnyFolder = Annotated[Path, typer.Argument(help="Folder of the run or search.", show_default=False)]
SearchFolder = Annotated[Path, typer.Argument(help="Folder of the search.", show_default=False)]
Plugins = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        metavar="MODULE",
        help="A module or .py file that adds terms, networks or estimators; may be repeated.",
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="cpu|gpu|gpu:N",
        help="What computes: the processor, the GPUs, or one of them.",
        show_default="a GPU where there is one",
    ),
]
TakeOver = Annotated[
    bool,
    typer.Option(
        "--take-over",
        help="The process on another machine that may work on it is gone: do not wait for that.",
    ),
]
CalibrationFile = Annotated[
    Path | None,
    typer.Option(
        "--calibration",
        help="Gains of the panel's elements: a file of ris-tf calibrate.",
        show_default="the configuration's",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a value; may be repeated."),
]
ConvertFile = Annotated[
    Path | None,
    typer.Option(
        "--convert",
        metavar="CONFIG",
        help="Configuration whose data.convert reads the file, as ris-tf data inspect writes it.",
    ),
]


def conversion_of(config: Path | None, overrides: list[str]) -> "Conversion":
    """`data.convert` of a configuration, with `--set data.convert.KEY=VALUE` applied.

    Raises:
        ConfigError: a value is refused, or a `--set` is of something else.
    """
    from ris_tf.config import ConfigError, default_config, load_config

    for override in overrides:
        if not override.strip().startswith("data.convert."):
            allowed = "must be of data.convert: everything else is the run's"
            raise ConfigError(source=f"--set {override!r}", allowed=allowed)
    chosen = load_config(config, overrides) if config else default_config(overrides)
    return chosen.data.convert


def require_out(option: str, path: Path) -> None:
    """Refuse a file that could not be written, before what goes there is computed.

    Raises:
        ConfigError: naming the option.
    """
    from ris_tf.config import not_written
    from ris_tf.runlog import require_place

    try:
        require_place(path)
    except OSError as error:
        raise not_written(option, path, error, "choose another file") from error


def write_out(path: Path, text: str) -> None:
    """Write what `--out` names, whole or not at all, and say so."""
    from ris_tf.config import not_written
    from ris_tf.runlog import atomic_write

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, text.encode())
    except OSError as error:
        raise not_written("--out", path, error, "choose another file") from error
    say(str(path))
