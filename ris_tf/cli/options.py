"""Arguments that several commands take, with the same words everywhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.terminal import say

if TYPE_CHECKING:
    from ris_tf.config import Conversion

CONVERT = "data.convert."
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


def conversion_of(file: Path, config: Path | None, overrides: list[str]) -> "Conversion":
    """How a file is read: as a configuration says, unless we wrote the file, and as was typed.

    Raises:
        UserError: a value is refused, or the file cannot be read.
    """
    from ris_tf.config import default_config, load_config

    chosen = load_config(config, overrides) if config else default_config(overrides)
    if config:
        from ris_tf.data.conversion import is_ours

        if is_ours(file):
            typed = [one for one in overrides if one.strip().startswith(CONVERT)]
            return default_config(typed).data.convert
    return chosen.data.convert


def require_conversion(overrides: list[str]) -> None:
    """Refuse a `--set` of something else than how a file is read.

    Raises:
        ConfigError: naming it.
    """
    from ris_tf.config import ConfigError

    for override in overrides:
        if not override.strip().startswith(CONVERT):
            allowed = "must be of data.convert: everything else is the run's"
            raise ConfigError(source=f"--set {override!r}", allowed=allowed)


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
