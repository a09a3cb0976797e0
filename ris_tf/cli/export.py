"""`ris-tf export`: a run's network and log for other programs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.options import Device, Plugins, RunFolder
from ris_tf.cli.plugins import load_named
from ris_tf.cli.terminal import say
from ris_tf.device import choose_device

if TYPE_CHECKING:
    from ris_tf.runlog import RunDirectory

FORMATS = {  # and the names that their targets have by default
    "savedmodel": "savedmodel",
    "onnx": "network.onnx",
    "tflite": "network.tflite",
    "tensorboard": "tensorboard",
    "csv": "csv",
}
PACKAGES = {"onnx": ("onnx", "tf2onnx"), "tensorboard": ("tensorboard",)}
FOLDER = "exports"  # in the run


def export(
    run: RunFolder,
    to: Annotated[str, typer.Option(help=f"Format: {', '.join(FORMATS)}.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(help="File or folder to write.", show_default="in exports/ of the run"),
    ] = None,
    device: Device = None,
    plugin: Plugins = None,
) -> None:
    """Write a run's network, or its log, for other programs."""
    from ris_tf.config import ConfigError
    from ris_tf.interop.target import require_network, require_new, require_packages
    from ris_tf.runlog import RunDirectory

    choose_device(device)
    if to not in FORMATS:
        raise ConfigError(key="--to", value=to, allowed=f"must be one of {', '.join(FORMATS)}")
    directory = RunDirectory.open(run)
    target = out or directory.own_folder(FOLDER) / FORMATS[to]
    suffix = Path(FORMATS[to]).suffix
    if target.suffix != suffix and suffix:
        raise ConfigError(key="--out", value=target, allowed=f"must end in {suffix}")
    require_packages(PACKAGES.get(to, ()), to)
    require_new(target)
    if to in ("tensorboard", "csv"):
        _export_log(directory, to, target)
        return
    require_network(directory)
    load_named(plugin)
    _export_network(directory, to, target)


def _export_log(run: "RunDirectory", to: str, target: Path) -> None:
    from ris_tf.interop.events import require_events
    from ris_tf.interop.tables import write_tables
    from ris_tf.interop.target import whole
    from ris_tf.interop.tensorboard import write_event_files

    csv = to == "csv"
    write, what = (write_tables, "rows") if csv else (write_event_files, "scalars")
    require_events(run)
    with whole(target) as partial:
        written = write(run, partial)
    for name, count in written.items():
        say(f"{target / name}: {count:,} {what}")


def _export_network(run: "RunDirectory", to: str, target: Path) -> None:
    from ris_tf.engine.tensorflow_quiet import hidden_unless_it_fails, load_tensorflow
    from ris_tf.errors import UserError
    from ris_tf.interop.target import whole

    load_tensorflow()
    from ris_tf.interop.networks import export_network
    from ris_tf.interop.served import load_served

    served = load_served(run, single=to != "savedmodel")
    if sys.stderr.isatty():
        say(f"exporting to {to}: up to a minute", err=True)
    exported, problem = None, None
    with whole(target) as partial:
        with hidden_unless_it_fails():  # converters talk; a refusal is one line without it
            try:
                exported = export_network(served, to, partial)
            except UserError as error:
                problem = error
        if problem:
            raise problem
    assert exported is not None
    for line in exported.lines(target):
        say(line)
