"""Arguments that several commands take, with the same words everywhere."""

from pathlib import Path
from typing import Annotated

import typer

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
