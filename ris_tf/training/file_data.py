"""The scenes of a run that come from files: opened, recorded, and what they change. No TensorFlow.

Sets are opened before there is a run, so that what does not fit costs one line and leaves nothing.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from ris_tf.config import Config
from ris_tf.config.data import SETS
from ris_tf.config.registry import labels_needed
from ris_tf.data.errors import DataError
from ris_tf.data.files import FileRecord, absolute, as_document, compare
from ris_tf.data.scene_set import SceneSet
from ris_tf.disk import read_regular
from ris_tf.runlog import atomic_write
from ris_tf.words import counted

RECORD = "data.json"  # in the folder of a run: the files that it began with
LARGEST_RECORD = 1 << 24  # bytes of it that are read: 65,000 files have half as many
TRAINED = ("train", "validation")  # the sets that training reads


@dataclass(frozen=True)
class Remark:
    """What a person should know about the data, and a program can read.

    Attributes:
        what: kind of notice.
        text: a line.
        values: what the line is made of.
    """

    what: str
    text: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FileData:
    """The sets of scenes that a run reads from files; `None` where they are simulated.

    Attributes:
        train: what is trained on.
        validation: what validates an epoch.
    """

    train: SceneSet | None = None
    validation: SceneSet | None = None

    @property
    def sets(self) -> dict[str, SceneSet]:
        """Those that there are, by the name of their key in `data`."""
        named = {name: getattr(self, name) for name in TRAINED}
        return {name: scenes for name, scenes in named.items() if scenes is not None}

    @property
    def missing(self) -> frozenset[str]:
        """Labels that one of the sets lacks."""
        return frozenset().union(*(scenes.missing for scenes in self.sets.values()))


def open_data(config: Config) -> FileData | None:
    """The sets of scenes that training reads from files; `None` where there are none.

    Raises:
        DataError: one does not exist, does not fit the configuration, or is damaged; one line.
    """
    texts = {name: getattr(config.data, name) for name in TRAINED}
    sets = {
        name: SceneSet(text, f"data.{name}", config)
        for name, text in texts.items()
        if text is not None
    }
    return FileData(**sets) if sets else None


def with_absolute_paths(config: Config) -> Config:
    """The configuration, its files named so that they are the same from every folder."""
    named = {name: getattr(config.data, name) for name in SETS}
    paths = {name: absolute(text) for name, text in named.items() if text is not None}
    return config.model_copy(update={"data": config.data.model_copy(update=paths)})


def with_data(config: Config, data: FileData | None) -> Config:
    """The configuration with what its files decide.

    Terms whose labels are missing have a weight of 0, and validation takes as many batches as the
    files have scenes for.

    Raises:
        DataError: there are fewer scenes to validate with than replicas.
    """
    if data is None:
        return config
    off = dict.fromkeys(terms_off(config, data.missing), 0.0)
    weights = config.objective.weights.model_copy(update=off)
    objective = config.objective.model_copy(update={"weights": weights})
    training = config.training
    if data.validation:
        together = validated_together(config, data.validation)
        batches = min(training.validation_batches, data.validation.scenes // together)
        sizes = {"validation_batch": together, "validation_batches": batches}
        training = training.model_copy(update=sizes)
    return config.model_copy(update={"objective": objective, "training": training})


def validated_together(config: Config, validation: SceneSet) -> int:
    """Scenes of a validation batch: as configured, or all that there are.

    Raises:
        DataError: there are fewer than replicas that share them.
    """
    wanted, replicas = config.training.validated_together, config.training.replicas or 1
    together = min(wanted, validation.scenes // replicas * replicas)
    if not together:
        problem = (
            f"has {counted(validation.scenes, 'scene')}, fewer than training.replicas = {replicas}"
        )
        raise DataError(problem, key=validation.key, value=validation.text)
    return together


def terms_off(config: Config, missing: frozenset[str]) -> list[str]:
    """Active terms that need labels which are missing."""
    weights = config.objective.weights.model_dump()
    return [
        name
        for name, weight in weights.items()
        if weight and missing.intersection(labels_needed(name))
    ]


def remarks(config: Config, data: FileData | None) -> list[Remark]:
    """What to say once when a run on files begins.

    Args:
        config: before `with_data`.
        data: its files.
    """
    if data is None:
        return []
    found = []
    off = terms_off(config, data.missing)
    if data.missing:
        lacking = [name for name, scenes in data.sets.items() if scenes.missing]
        labels = ", ".join(sorted(data.missing))
        text = f"{' and '.join(f'data.{name}' for name in lacking)} without {labels}: "
        text += f"terms that need them are off: {', '.join(off)}" if off else "no term needs them"
        found.append(Remark("labels", text, {"missing": labels, "off": ", ".join(off)}))
    if data.train and not data.validation:
        text = "validation is on simulated scenes; name files in data.validation for measured ones"
        found.append(Remark("validation", text))
    found += [remark for scenes in data.sets.values() for remark in _outside(config, scenes)]
    found += [remark for scenes in data.sets.values() for remark in made_otherwise(scenes)]
    return found


def made_otherwise(scenes: SceneSet) -> Iterator[Remark]:
    """Files that were simulated with another panel than the one that they are taken for."""
    for key, (there, here) in scenes.made_otherwise.items():
        text = (
            f"{scenes.key}: {scenes.text} was simulated with {key} = {there}, here it is {here}: "
            f"unless that is meant, --set {key}={there}"
        )
        yield Remark("made otherwise", text, {"key": key, "there": str(there), "here": str(here)})


def _outside(config: Config, scenes: SceneSet) -> Iterator[Remark]:
    """Sources where the network predicts none, coordinate by coordinate."""
    for name, extent in sorted(scenes.extent.items()):
        if extent.outside:
            share = extent.outside / extent.sources
            interval = [round(float(end), 6) for end in getattr(config.scene, name)]
            text = (
                f"{scenes.key}: {share:.1%} of the sources lie outside scene.{name} = {interval}, "
                f"for they are from {extent.least:.6g} to {extent.most:.6g}: widen it"
            )
            values = {"key": f"scene.{name}", "outside": extent.outside, "sources": extent.sources}
            yield Remark("outside", text, values)


def check_record(run: Path, data: FileData | None) -> None:
    """Compare the files with those that a run began with; keep them where it begins.

    Args:
        run: its folder.
        data: its files now.

    Raises:
        DataError: a file has changed, is missing or is new, or the record cannot be read.
        OSError: it cannot be written.
    """
    if data is None:
        return
    path = run / RECORD
    if not path.exists():
        document = {name: as_document(scenes.records) for name, scenes in data.sets.items()}
        atomic_write(path, orjson.dumps(document, option=orjson.OPT_INDENT_2))
        return
    before = _read_record(path)
    for name, scenes in data.sets.items():
        compare(before.get(name, []), scenes.records, scenes.key)


def _read_record(path: Path) -> dict[str, list[FileRecord]]:
    try:
        document = orjson.loads(read_regular(path, LARGEST_RECORD))
        return {
            name: [FileRecord(**record) for record in records] for name, records in document.items()
        }
    except (OSError, ValueError, TypeError, AttributeError) as error:
        problem = f"cannot be read: {' '.join(str(error).split())[:200]}"
        raise DataError(problem, source=str(path), remedy="remove it") from error


def passes(config: Config, scenes: int) -> float:
    """How often an epoch takes every scene of the files, on average."""
    per_epoch = config.training.batches_per_epoch * config.scenes_of_files
    return per_epoch / scenes if scenes else math.nan
