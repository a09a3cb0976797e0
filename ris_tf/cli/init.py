"""`ris-tf init`: a configuration to start from, with every key explained."""

from pathlib import Path
from typing import Annotated

import typer

from ris_tf.cli.terminal import say


def init(
    name: Annotated[
        str,
        typer.Argument(metavar="[NAME]", help="A configuration that comes with ris_tf, or a file."),
    ] = "quickstart",
    out: Annotated[
        Path | None, typer.Option(help="File to write.", show_default="NAME.yaml, here")
    ] = None,
) -> None:
    """Write a configuration with every key, its meaning, unit and bounds as comments."""
    from ris_tf import __version__
    from ris_tf.config import ConfigError, commented_config, load_config, not_written

    config = load_config(name)
    file = out or Path(f"{Path(name).stem}.yaml")
    text = commented_config(config, f"{Path(name).stem}, written by ris-tf init {__version__}.")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError as error:
        remedy = "choose another --out, or remove it"
        raise ConfigError("exists", key="--out", value=file, remedy=remedy) from error
    except OSError as error:
        raise not_written("--out", file, error, "choose another file") from error
    say(f"{file}: change what you like, then: ris-tf train {file}")
