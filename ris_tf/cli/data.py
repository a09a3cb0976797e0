"""`ris-tf data inspect|convert`: other people's files."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ris_tf.cli.options import Overrides, conversion_of, require_out, write_out
from ris_tf.cli.terminal import cell, console, say
from ris_tf.words import counted

if TYPE_CHECKING:
    import numpy as np

    from ris_tf.data.conversion import Converted, Joined
    from ris_tf.data.report import Inspection

ALTERNATIVES = 8  # that are shown
SEQUENCE = "tag:yaml.org,2002:seq"
AT_ONCE = 2**23  # complex numbers of the scenes that are converted together: 64 MiB

data = typer.Typer(no_args_is_help=True, help="Look at files of scenes, and convert them.")
File = Annotated[Path, typer.Argument(help="A file: .npz, HDF5 or MATLAB.", show_default=False)]
Source = Annotated[
    Path,
    typer.Argument(help="A file: .npz, HDF5 or MATLAB; or a folder of such.", show_default=False),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Configuration (file or name) whose panel, wave and data.convert are known.",
        show_default="all are tried",
    ),
]


@data.command("inspect")
def inspect_(
    file: File,
    config: ConfigOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the settings that read it to a .yaml file.")
    ] = None,
    set_: Overrides = None,
) -> None:
    """Say what is in a file, what is odd, and which settings read it."""
    from ris_tf.config import ConfigError, default_config, load_config
    from ris_tf.config.shipped import quick_learning

    overrides = set_ or []
    chosen = load_config(config, overrides) if config else default_config(overrides)
    known = config is not None or any(o.strip().startswith("geometry.") for o in overrides)
    if out and out.suffix.lower() not in (".yaml", ".yml"):
        raise ConfigError(key="--out", value=out, allowed="must end in .yaml")
    if out:
        require_out("--out", out)
    from ris_tf.data.containers import open_container

    open_container(file)  # what must not be read is refused before anything is loaded
    _load()
    from ris_tf.data.inspection import inspect

    found = inspect(file, chosen if known else None, conversion_of(file, config, overrides))
    settings = _yaml(found, {} if config else quick_learning()) if found.settings else ""
    _show(found, settings)
    if out and settings:
        write_out(out, settings)
    if found.advice:
        raise ConfigError(found.advice, source=str(file))


@data.command()
def convert(
    source: Source,
    out: Annotated[Path, typer.Argument(help="File to write, ending in .npz.", show_default=False)],
    config: Annotated[
        Path | None,
        typer.Option(
            help="Configuration whose data.convert reads it, as inspect writes it.",
            show_default="names and shapes",
        ),
    ] = None,
    hold_out: Annotated[
        float,
        typer.Option(
            "--hold-out",
            help="Share of the scenes, drawn at random, that goes to OUT-validation.npz, and "
            "another such share to OUT-test.npz.",
            show_default="none",
        ),
    ] = 0.0,
    set_: Overrides = None,
) -> None:
    """Write a file, or a folder of files, in our names, shapes and conventions."""
    from ris_tf.config import ConfigError

    conversion = conversion_of(source, config, set_ or [])
    if out.suffix != ".npz":
        raise ConfigError(key="OUT", value=str(out), allowed="must end in .npz")
    if not 0 <= hold_out < 0.5:
        raise ConfigError(key="--hold-out", value=hold_out, allowed="must be at least 0, below 0.5")
    require_out("OUT", out)
    from ris_tf.data.conversion import converted

    shard = converted(source, conversion)
    if not shard.scenes:
        raise ConfigError("holds no scenes", source=str(source))
    _load()
    from ris_tf.data.export import target_of

    parts = {target_of(file, len(rows)): rows for file, rows in _parts(out, shard.scenes, hold_out)}
    for target, rows in parts.items():
        if target.exists():
            raise ConfigError("exists", source=str(target), remedy="choose another, or remove it")
        if not len(rows):
            allowed = f"must be more: it holds out none of {counted(shard.scenes, 'scene')}"
            raise ConfigError(key="--hold-out", value=hold_out, allowed=allowed)
    for target, rows in parts.items():
        _write(target, shard, rows, source)


def _parts(out: Path, scenes: int, share: float) -> list[tuple[Path, "np.ndarray"]]:
    """Files and the numbers of their scenes: those to train on, to validate and to test with.

    Which scenes are held out follows from their number alone, so that a command that is repeated
    makes the same files.
    """
    import numpy as np

    if not share:
        return [(out, np.arange(scenes))]
    order, apart = np.random.default_rng(0).permutation(scenes), round(share * scenes)
    cut = np.split(order, [apart, 2 * apart])
    names = (f"{out.stem}-validation.npz", f"{out.stem}-test.npz", out.name)
    parts = [(out.with_name(name), np.sort(rows)) for name, rows in zip(names, cut, strict=True)]
    return [parts[2], *parts[:2]]


def _write(target: Path, shard: "Converted | Joined", rows: "np.ndarray", source: Path) -> None:
    """Some scenes to a file, or a folder of shards, and a line about it."""
    from rich.filesize import decimal

    from ris_tf.config import not_written
    from ris_tf.data.export import write_scenes

    try:
        written = write_scenes(target, len(rows), _batches(shard, rows, source))
    except OSError as error:
        raise not_written("OUT", str(target), error, "choose another file") from error
    size = decimal(sum(path.stat().st_size for path in written))
    shards = f", {len(written)} shards" if len(written) > 1 else ""
    say(f"{target}: {counted(len(rows), 'scene')}{shards}, {size}: {', '.join(shard.names)}")


def _where(source: Path, rows: "np.ndarray", scene: int) -> tuple[str, int]:
    """The file of one of a batch's scenes, and its number there."""
    return str(source), int(rows[scene])


def _batches(
    shard: "Converted | Joined", chosen: "np.ndarray", source: Path
) -> Iterator[dict[str, "np.ndarray"]]:
    """Scenes by their numbers, some at a time, channel and codes of each."""
    import numpy as np

    from ris_tf.config import ConfigError
    from ris_tf.data.checks import LARGEST, check_label

    first = shard.read(np.arange(1))
    step = max(1, AT_ONCE // sum(array[0].size for array in first.values()))
    for begin in range(0, len(chosen), step):
        rows = chosen[begin : begin + step]
        arrays = shard.read(rows)
        for name in ("y", "channel", "codes"):
            array = arrays[name]
            wrong = np.argwhere(~np.isfinite(array))
            if len(wrong):
                scene = rows[wrong[0][0]] if array.ndim == 3 else rows[0]
                raise ConfigError(f"{name} of scene {scene} is not finite", source=str(source))
            arrays[name] = array if array.ndim == 3 else np.repeat(array[None], len(rows), axis=0)
        for name in LARGEST:
            if name in arrays:
                check_label(name, arrays[name], arrays["count"], partial(_where, source, rows))
        yield arrays


def _load() -> None:
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow()


def _show(found: "Inspection", settings: str) -> None:
    from rich.table import Table

    terminal = console(soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for title in ("array", "shape", "type", "what it is", "why"):
        table.add_column(title, overflow="fold")
    for one in found.arrays:
        shape = str(list(one.entry.shape))
        cells = (one.entry.name, shape, str(one.entry.dtype), one.what, one.why)
        table.add_row(*map(cell, cells))
    wide = terminal if terminal.is_terminal else console(width=140)
    wide.print(table)
    for odd in found.odd:
        name = f"{odd.array}: " if odd.array else ""
        say(f"odd: {name}{odd.sentence}")
    _show_conventions(found)
    if settings:
        for line in ("", *settings.splitlines()):
            say(line)


def _show_conventions(found: "Inspection") -> None:
    best = found.conventions
    if best is None:
        if found.reading is not None:
            say(
                "no conventions were tried: that takes azimuths, elevations and ranges; if the "
                "file has them, name them: --set data.convert.azimuth=NAME, elevation, range"
            )
        return
    say()
    say(
        f"sources at the labels' positions leave {best.share:.3g} of y, as a share of what "
        f"chance leaves ({best.symbols} symbols); with one convention changed:"
    )
    *others, chance = best.alternatives
    for other in (*others[:ALTERNATIVES], chance):
        say(f"  {other.share:<9.3g}{other.what}")


def _yaml(found: "Inspection", learning: Mapping[str, Any]) -> str:
    """The settings as a configuration: a line for each, intervals in brackets.

    Args:
        found: with settings.
        learning: sections besides, by which a network learns from such scenes.
    """
    import yaml

    class Lines(yaml.SafeDumper):
        pass

    Lines.add_representer(
        list, lambda dumper, ends: dumper.represent_sequence(SEQUENCE, ends, flow_style=True)
    )
    settings: dict[str, Any] = {**found.settings, **learning}
    whose = f"; intervals are those of its {found.scenes:,} scenes" if found.scenes else ""
    document = yaml.dump(settings, Dumper=Lines, sort_keys=False, default_flow_style=False)
    trains = "; objective and training are those of quickstart" if learning else ""
    return f"# settings that read it{whose}{trains}\n{document}"
