"""Configurations that come with the package, taken by name."""

from pathlib import Path
from typing import Any

from ris_tf.config.errors import ConfigError
from ris_tf.plain_yaml import parse_yaml

PACKAGE = Path(__file__).parents[1]
# A wheel has them inside; in a checkout they lie at the top, where people find and edit them.
FOLDERS = (PACKAGE / "configs", PACKAGE.parent / "configs")

QUICK = "quickstart"
LENGTHS = ("epochs", "batches_per_epoch", "validation_batches", "validation_batch")


def shipped_configs() -> dict[str, Path]:
    """File of each configuration that comes with the package, by name."""
    folder = next((folder for folder in FOLDERS if folder.is_dir()), FOLDERS[0])
    files = {file.stem: file for file in folder.glob("*.yaml")}
    return dict(sorted(files.items()))


def quick_learning() -> dict[str, Any]:
    """How `quickstart` learns, whatever the scenes and however long: its sections, as in a file."""
    document = parse_yaml(shipped_configs()[QUICK].read_text(encoding="utf-8"), QUICK)
    training = {name: v for name, v in document["training"].items() if name not in LENGTHS}
    return {"objective": document["objective"], "training": training}


def config_file(given: str | Path) -> Path:
    """The file of a configuration that is given by its path or by a name, such as `quickstart`.

    A file that exists wins over a name.

    Raises:
        ConfigError: it is a plain word, and neither a file nor a name.
    """
    path = Path(given)
    if path.suffix or len(path.parts) != 1 or path.is_file():
        return path
    shipped = shipped_configs()
    if path.name not in shipped:
        raise ConfigError(
            "no such file, and no configuration that comes with ris_tf",
            source=str(path),
            allowed=f"names are {', '.join(shipped)}",
            remedy="the path of a YAML file works, too",
        )
    return shipped[path.name]
