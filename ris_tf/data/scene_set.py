"""Scenes of files as one set: read by number, in the arrays and sizes of a configuration."""

import math
from collections.abc import Collection

import numpy as np

from ris_tf.config import Config, values_by_key
from ris_tf.data.checks import (
    check_labels,
    check_sizes,
    check_values,
    require_readable_noise,
)
from ris_tf.data.errors import DataError
from ris_tf.data.extent import Extent, extent_of
from ris_tf.data.files import FileRecord, WatchedFile, files_of
from ris_tf.data.reading import sizes_of
from ris_tf.data.shard import AXES, Labelled, open_shard

TYPES = {"y": np.complex64, "channel": np.complex64, "codes": np.complex64, "count": np.int32}
SAMPLED = 2000  # scenes that are read and checked before a run begins, over all files
SAMPLED_OF_FILE = 8
HELD = 1 << 32  # bytes of compressed arrays that are in memory, of all files
FIELD = {"azimuth_deg", "elevation_deg", "range_m"}  # labels that have an interval in `scene`


class SceneSet:
    """Scenes of a file, of a folder of shards, or of all files that a pattern matches.

    Sizes and labels are compared with the configuration, and some scenes of every file are read and
    checked, when the set is opened; every scene is checked when it is read.

    Args:
        text: path or pattern.
        key: the configuration key that has it.
        config: panel, antennas, snapshots and the largest number of sources.

    Attributes:
        scenes: how many.
        names: arrays that all files have.
        missing: labels of sources, among those that terms may need, that are neither in the files
            nor can be estimated.
        extent: of the sources' labels, by name; nothing of formats whose labels are not read apart.
        made_otherwise: by key, what simulated files say that their panel was, and what the
            configuration has, where that is something else.

    Raises:
        DataError: there is no file, or one does not fit; one line names it.
    """

    def __init__(self, text: str, key: str, config: Config):
        self.text, self.key, self.config = text, key, config
        paths = files_of(text, key)
        known = sizes_of(config)
        self._shards = [open_shard(path, config.data.convert, known) for path in paths]
        if sum(getattr(shard, "held", 0) for shard in self._shards) > HELD:
            remedy = "write them with numpy.savez, uncompressed"
            raise DataError(
                "are compressed, and too large to read whole", source=text, remedy=remedy
            )
        self._files = [WatchedFile(p, s.scenes) for p, s in zip(paths, self._shards, strict=True)]
        self._starts = np.cumsum([0, *(shard.scenes for shard in self._shards)])
        self.scenes = int(self._starts[-1])
        have = [set(shard.names) for shard in self._shards]
        self.names = tuple(name for name in AXES if all(name in names for names in have))
        self._shapes = {name: _shape(name, config) for name in self.names}
        self._filling = {name: 0.0 for name in self.names if "sources" in AXES[name]}
        if "range_m" in self._filling:
            self._filling["range_m"] = math.sqrt(math.prod(config.scene.range_m))
        self.missing = missing_labels(self.names, config)
        self.extent: dict[str, Extent] = {}
        self.made_otherwise = self._made_otherwise()
        self._labels_checked: set[int] = set()
        self._check()

    def _made_otherwise(self) -> dict[str, tuple[object, object]]:
        differing: dict[str, tuple[object, object]] = {}
        here = _panel(self.config)
        for shard in self._shards:
            made_with = getattr(shard, "made_with", None)
            if made_with is not None:
                there = _panel(made_with)
                differing |= {
                    key: (there[key], here[key]) for key in here if there[key] != here[key]
                }
        return differing

    @property
    def records(self) -> list[FileRecord]:
        """The files, as they were when the set was opened."""
        return [file.record for file in self._files]

    def read(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        """Scenes by their numbers in the set, in that order.

        Args:
            numbers: `[B]` whole numbers from 0.

        Returns:
            `[B, ...]` by name: `y`, `channel`, `codes` complex64, `count` int32, others float32;
            labels of `K_max` sources, those beyond `count` filled with what is finite.

        Raises:
            DataError: a file has changed or is gone, or a scene cannot be trained on.
        """
        order = np.argsort(numbers, kind="stable")
        ranked = numbers[order]
        edges = np.searchsorted(ranked, self._starts)  # where the scenes of each file begin
        out = self._empty(len(numbers))
        for index in np.flatnonzero(np.diff(edges)).tolist():
            part = slice(edges[index], edges[index + 1])
            arrays = self._of_file(index, ranked[part] - self._starts[index])
            for name, values in out.items():
                _put(values, order[part], arrays[name])
        check_values(out, lambda scene: self._place(int(numbers[scene])))
        return _without_beyond(out, self._filling)

    def _of_file(self, index: int, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Scenes of one file, by their rows in it; labels that were not checked before are now."""
        self._files[index].require_same()
        shard = self._shards[index]
        try:
            arrays = shard.read(rows)
        except DataError:
            self._files[index].require_same()  # cut off since then: that is what is the matter
            raise
        if index not in self._labels_checked:
            check_labels(arrays, rows, str(self._files[index].path), self.config)
        return arrays

    def _empty(self, scenes: int) -> dict[str, np.ndarray]:
        """Arrays of a batch, to be filled; labels with what stands where there is no source."""
        out = {}
        for name, shape in self._shapes.items():
            out[name] = np.empty((scenes, *shape), TYPES.get(name, np.float32))
            if name in self._filling:
                out[name][...] = self._filling[name]
        return out

    def _place(self, number: int) -> tuple[str, int]:
        """The file of a scene, and its row there."""
        index = int(np.searchsorted(self._starts, number, side="right")) - 1
        return str(self._files[index].path), number - int(self._starts[index])

    def _check(self) -> None:
        """Check sizes, labels and some scenes of every file."""
        each = min(max(SAMPLED // len(self._shards), 1), SAMPLED_OF_FILE)
        for index, shard in enumerate(self._shards):
            path = str(self._files[index].path)
            first = shard.read(np.zeros(1, np.int64))
            check_sizes(first, path, self.config)
            require_readable_noise(shard.names, self.missing, path)
            if isinstance(shard, Labelled):
                self._check_labels(shard.labels(), path)
                self._labels_checked.add(index)
            rows = np.linspace(shard.scenes - 1, 0, each).astype(np.int64)  # the last is there
            self.read(np.unique(rows) + self._starts[index])

    def _check_labels(self, labels: dict[str, np.ndarray], path: str) -> None:
        """Check the labels of all scenes of a file, and note where its sources are."""
        check_labels(labels, np.arange(len(labels["count"])), path, self.config)
        for name in FIELD & labels.keys():
            active = np.arange(labels[name].shape[1]) < labels["count"][:, None]
            own = extent_of(labels[name][active], getattr(self.config.scene, name))
            self.extent[name] = own.joined(self.extent.get(name))


def _panel(config: Config) -> dict[str, object]:
    """What scenes are made of and files do not show: the panel, and the symbols."""
    document = config.model_dump(mode="json")
    return values_by_key(
        {"geometry": document["geometry"], "scene": {"symbols": document["scene"]["symbols"]}}
    )


def missing_labels(names: Collection[str], config: Config) -> frozenset[str]:
    """Labels of sources that nothing gives: powers are estimated where positions are known.

    They take fewer sources than there are equations for their symbols.
    """
    missing = {name for name in ("range_m", "power") if name not in names}
    if "range_m" in names and symbols_can_be_fitted(config):
        missing.discard("power")
    return frozenset(missing)


def symbols_can_be_fitted(config: Config) -> bool:
    """Whether a measurement has more numbers than its sources' symbols, with some left over."""
    scene = config.scene
    numbers = scene.antennas * (scene.snapshots if scene.symbols == "constant" else 1)
    return numbers > scene.sources_max


def _shape(name: str, config: Config) -> tuple[int, ...]:
    """The shape of an array of one scene, labels being those of `K_max` sources."""
    sizes = {
        "snapshots": config.scene.snapshots,
        "antennas": config.scene.antennas,
        "elements": config.geometry.elements,
        "sources": config.scene.sources_max,
    }
    return tuple(sizes[axis] for axis in AXES[name][1:])


def _put(out: np.ndarray, places: np.ndarray, values: np.ndarray) -> None:
    """Scatter the scenes of a file; of labels, as many sources as both have room for."""
    if values.ndim == 2 and values.shape[1] != out.shape[1]:
        room = min(values.shape[1], out.shape[1])
        out[places, :room] = values[:, :room]
    else:
        out[places] = values


def _without_beyond(
    arrays: dict[str, np.ndarray], filling: dict[str, float]
) -> dict[str, np.ndarray]:
    """Labels beyond a scene's count, which may be anything, replaced."""
    for name, value in filling.items():
        beyond = np.arange(arrays[name].shape[1]) >= arrays["count"][:, None]
        arrays[name][beyond] = value
    return arrays
