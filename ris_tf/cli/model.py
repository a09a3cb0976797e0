"""`ris-tf model`: the network part by part."""

from ris_tf.cli.options import ConfigFile, Overrides, Plugins
from ris_tf.cli.plugins import load_named
from ris_tf.cli.terminal import cell, console


def model(
    config: ConfigFile,
    set_: Overrides = None,
    plugin: Plugins = None,
) -> None:
    """Print a network's parts, their shapes, their parameters and the two optimizer groups."""
    from ris_tf.config import load_config
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_named(plugin)
    chosen = load_config(config, set_ or [])
    load_tensorflow()
    from rich.table import Table

    from ris_tf.network import build_network

    parts = build_network(chosen).parts()
    table = Table(box=None, pad_edge=False)
    for title in ("part", "layers", "output"):
        table.add_column(title, overflow="fold")
    table.add_column("group")
    table.add_column("parameters", justify="right", no_wrap=True)
    for part in parts:
        group = "head" if part.head else "backbone"
        of_part = part.name, part.layers, part.output, group, f"{part.parameters:,}"
        table.add_row(*map(cell, of_part))
    heads = sum(part.parameters for part in parts if part.head)
    total = sum(part.parameters for part in parts)
    table.add_section()
    for title, count in (("backbone", total - heads), ("heads", heads), ("all", total)):
        table.add_row(title, "", "", "", f"{count:,}")
    console().print(table)
