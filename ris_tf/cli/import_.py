"""`ris-tf import`: a PyTorch checkpoint as a run."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ris_tf.cli.options import CONFIG_HELP, Overrides
from ris_tf.cli.terminal import say
from ris_tf.words import counted

if TYPE_CHECKING:
    from ris_tf.interop.pytorch_import import PytorchNetwork

NOT_IN_IT = ": not in the file; --set KEY=VALUE takes another"


def import_(
    checkpoint: Annotated[
        Path,
        typer.Argument(help="What torch.save wrote: best.pt, last.pt.", show_default=False),
    ],
    name: Annotated[
        str | None, typer.Option(help="Name of the run.", show_default="the file's")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help=f"{CONFIG_HELP} Its keys count where the weights do not show them.",
            show_default="the PyTorch pipeline's conventions",
        ),
    ] = None,
    set_: Overrides = None,
    runs_dir: Annotated[Path, typer.Option(help="Folder that gets the run.")] = Path("runs"),
) -> None:
    """Make a run of a checkpoint of the PyTorch pipeline; PyTorch is not needed.

    Nothing in the file is executed. The run is one that localize, evaluate, show and the
    monitor open, and that train --from begins at.
    """
    from ris_tf.runlog import RunDirectory

    called = checkpoint.stem if name is None else name
    RunDirectory.require_free(runs_dir / called)  # before seconds are spent on it
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow()
    from ris_tf.interop.pytorch_import import PytorchNetwork

    network = PytorchNetwork.read(checkpoint, config, set_ or [])
    run = network.make_run(runs_dir / called, sys.argv)
    for title, text in _lines(network):
        say(f"{title:<10}{text}")
    say(f"{'run':<10}{run.path}")
    say(f"{'to use it':<10}ris-tf localize {run.path} FILE.npz")
    say(f"{'to go on':<10}ris-tf train {run.path}/config.yaml --from {run.path}")


def _lines(network: "PytorchNetwork") -> list[tuple[str, str]]:
    """What was read, taken and assumed."""
    from ris_tf.interop.pytorch_import import parameters

    s, chosen = network.sizes, network.chosen
    geometry, which = chosen.config.geometry, "first" if s.counts else "later"
    return [
        (
            "network",
            f"the PyTorch pipeline's {which} network, {parameters(network.weights):,} parameters, "
            f"from {network.path}",
        ),
        (
            "shapes",
            f"{geometry.columns} x {geometry.rows} panel, {counted(s.antennas, 'antenna')}, "
            f"{counted(s.snapshots, 'snapshot')}, at most {counted(s.max_sources, 'source')}; "
            f"width {s.width}, {counted(s.layers, 'layer')}",
        ),
        *(
            [("beside it", f"{_listed(chosen.beside)}, of run_config.json")]
            if chosen.beside
            else []
        ),
        *([("assumed", f"{_listed(chosen.assumed)}{NOT_IN_IT}")] if chosen.assumed else []),
        *(("note", text) for text in network.remarks()),
    ]


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
