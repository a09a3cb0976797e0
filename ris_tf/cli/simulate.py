"""`ris-tf simulate`: scenes on disk, for other tools."""

from pathlib import Path
from typing import Annotated

import typer

from ris_tf.cli.options import ConfigFile, Device, Overrides, Plugins, require_out
from ris_tf.cli.plugins import load_named
from ris_tf.cli.progress import shown
from ris_tf.cli.terminal import say
from ris_tf.device import choose_device
from ris_tf.words import counted

LAST_EPOCH = 2**31 - 1  # numbers of epochs are 32 bits of the random numbers' seed


def simulate(
    config: ConfigFile,
    out: Annotated[Path, typer.Option(help="File to write, ending in .npz.", show_default=False)],
    scenes: Annotated[int, typer.Option(min=1, help="How many scenes.")] = 1000,
    split: Annotated[
        str, typer.Option(help="Which scenes: training, validation or test.")
    ] = "test",
    epoch: Annotated[
        int, typer.Option(min=0, max=LAST_EPOCH, help="Epoch whose scenes they are.")
    ] = 0,
    set_: Overrides = None,
    device: Device = None,
    plugin: Plugins = None,
) -> None:
    """Write simulated scenes; many of them go to a folder of shards beside the file's name."""
    from ris_tf.config import ConfigError, load_config, not_written

    choose_device(device)
    load_named(plugin)
    chosen = load_config(config, set_ or [])
    if out.suffix != ".npz":
        raise ConfigError(key="--out", value=out, allowed="must end in .npz")
    if split not in ("training", "validation", "test"):
        allowed = "must be training, validation or test"
        raise ConfigError(key="--split", value=split, allowed=allowed)
    require_out("--out", out)
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow()
    from rich.filesize import decimal

    from ris_tf.data.export import export_scenes, target_of
    from ris_tf.scene import Split

    target = target_of(out, scenes)
    if target.exists():
        remedy = "choose another --out, or remove it"
        raise ConfigError("exists", source=str(target), remedy=remedy)
    what = f"simulating {counted(scenes, 'scene')}"
    with shown([what], scenes) as progressed:
        try:
            written = export_scenes(
                chosen,
                target,
                scenes,
                Split[split.upper()],
                epoch,
                lambda done: progressed(what, done),
            )
        except OSError as error:
            raise not_written("--out", target, error, "make room, or choose another") from error
    size = decimal(sum(path.stat().st_size for path in written))
    shards = f", {len(written)} shards" if len(written) > 1 else ""
    say(f"{target}: {counted(scenes, 'scene')}{shards}, {size}")
