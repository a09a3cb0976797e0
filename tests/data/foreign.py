"""Simulated scenes as other people would have written them: one function a layout.

Each takes our named arrays and a folder, and returns the file that it wrote.
"""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import scipy.io

Arrays = dict[str, np.ndarray]
LAYOUTS: dict[str, Callable[[Arrays, Path], Path]] = {}
COMPOUND = [("real", "<f8"), ("imag", "<f8")]


def layout(write: Callable[[Arrays, Path], Path]) -> Callable[[Arrays, Path], Path]:
    """Add a layout to those that are tested."""
    LAYOUTS[write.__name__] = write
    return write


def parts(array: np.ndarray, axis: int = -1) -> np.ndarray:
    """Real and imaginary part along an axis."""
    return np.stack([array.real, array.imag], axis=axis)


def npz(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez(folder / "scenes.npz", allow_pickle=False, **arrays)
    return folder / "scenes.npz"


def matlab73(path: Path, arrays: Arrays) -> Path:
    """As MATLAB's `save -v7.3`: a user block, axes in reverse, complex numbers as records."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            stored = np.atleast_2d(array).T
            if np.iscomplexobj(stored):
                records = np.empty(stored.shape, COMPOUND)
                records["real"], records["imag"] = stored.real, stored.imag
                stored = records
            data = file.create_dataset(name, data=stored, compression="gzip")
            data.attrs["MATLAB_class"] = np.bytes_("double")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


@layout
def matlab_73_scenes_last(a: Arrays, folder: Path) -> Path:
    return matlab73(folder / "scenes.mat", {
        "Y": a["y"].transpose(2, 1, 0), "H": a["channel"].transpose(1, 2, 0),
        "W": a["codes"].transpose(2, 1, 0), "phi": a["azimuth_deg"].T,
        "theta": a["elevation_deg"].T, "r": a["range_m"].T, "K": a["count"], "SNR": a["snr_db"],
    })  # fmt: skip


@layout
def matlab_5_struct(a: Arrays, folder: Path) -> Path:
    inner = {"Y": a["y"], "G": a["channel"], "Theta": a["codes"]}
    truth = {"az": a["azimuth_deg"], "el": a["elevation_deg"], "dist": a["range_m"]}
    scipy.io.savemat(folder / "scenes.mat", {"data": {**inner, "truth": truth}},
                     do_compression=True)  # fmt: skip
    return folder / "scenes.mat"


@layout
def matlab_5_single_scene(a: Arrays, folder: Path) -> Path:
    """The scene with most sources, alone."""
    i = int(np.argmax(a["count"]))
    k = a["count"][i]
    scipy.io.savemat(folder / "scene.mat", {
        "Y": a["y"][i], "H": a["channel"][i], "Phi": a["codes"][i],
        "azimuth": a["azimuth_deg"][i, :k], "elevation": a["elevation_deg"][i, :k],
        "range": a["range_m"][i, :k],
    })  # fmt: skip
    return folder / "scene.mat"


@layout
def hdf5_axes_reversed_parts_first(a: Arrays, folder: Path) -> Path:
    """MATLAB's `h5write` of arrays whose last axis has the real and imaginary part."""
    path = folder / "scenes.h5"
    with h5py.File(path, "w") as file:
        for name, array in (("y", a["y"]), ("H", a["channel"]), ("codes", a["codes"])):
            file[f"measurements/{name}"] = parts(array).T
        for name in ("azimuth_deg", "elevation_deg", "range_m"):
            file[f"labels/{name}"] = a[name].T
    return path


@layout
def hdf5_records(a: Arrays, folder: Path) -> Path:
    path = folder / "scenes.hdf5"
    with h5py.File(path, "w") as file:
        for name, array in (("rx", a["y"]), ("csi", a["channel"]), ("ris_codes", a["codes"])):
            records = np.empty(array.shape, [("re", "<f4"), ("im", "<f4")])
            records["re"], records["im"] = array.real, array.imag
            file[name] = records
        file["az_rad"], file["el_rad"] = np.radians(a["azimuth_deg"]), np.radians(
            a["elevation_deg"])  # fmt: skip
        file["distance"] = a["range_m"]
    return path


@layout
def two_arrays_of_parts(a: Arrays, folder: Path) -> Path:
    arrays = {}
    for name, array in (("Y", a["y"]), ("H", a["channel"]), ("W", a["codes"])):
        arrays[f"{name}_re"], arrays[f"{name}_im"] = array.real, array.imag
    labels = {n: np.radians(a[f"{m}_deg"]) for n, m in (("az", "azimuth"), ("el", "elevation"))}
    return npz(folder, **arrays, **labels, r=a["range_m"])


@layout
def phases_in_radians(a: Arrays, folder: Path) -> Path:
    return npz(folder, Y=parts(a["y"]), H=parts(a["channel"]), RIS_phase=np.angle(a["codes"]),
               DoA=np.stack([np.radians(a["azimuth_deg"]), np.radians(a["elevation_deg"]),
                             a["range_m"]], axis=-1))  # fmt: skip


@layout
def states_and_one_channel(a: Arrays, folder: Path) -> Path:
    """Codes as numbers of states, the same in all scenes."""
    states = np.round(np.angle(a["codes"][0]) / (2 * np.pi) * 8).astype(int) % 8
    return npz(folder, signals=a["y"], H=a["channel"], states=states,
               azimuths=a["azimuth_deg"], elevations=a["elevation_deg"],
               distances=a["range_m"], num_sources=a["count"])  # fmt: skip


@layout
def pytorch_shard(a: Arrays, folder: Path) -> Path:
    ptr = [np.radians(a["azimuth_deg"]), np.radians(a["elevation_deg"]), a["range_m"]]
    effective = np.einsum("bmn,bln->blm", a["channel"], a["codes"])
    return npz(folder, y=parts(a["y"]), H=parts(effective), H_full=parts(a["channel"]),
               codes=parts(a["codes"]), ptr=np.concatenate(ptr, axis=1), K=a["count"],
               snr=a["snr_db"])  # fmt: skip


@layout
def cartesian_panel_in_yz(a: Arrays, folder: Path) -> Path:
    """Metres, with the panel in the y-z plane: x is in front."""
    az, el, r = np.radians(a["azimuth_deg"]), np.radians(a["elevation_deg"]), a["range_m"]
    ours = np.stack([np.sin(az) * np.cos(el), np.cos(az) * np.cos(el), np.sin(el)]) * r
    there = np.arange(r.shape[1]) < a["count"][:, None]
    metres = np.where(there, ours, np.nan)[[1, 0, 2]]
    return npz(folder, y=a["y"], H=a["channel"], codes=a["codes"], pos=metres.transpose(1, 2, 0))


@layout
def other_time_sign_and_numbering(a: Arrays, folder: Path) -> Path:
    """exp(-j w t), elements along columns, azimuth to the left."""

    def along_columns(array: np.ndarray) -> np.ndarray:
        return array.reshape(*array.shape[:-1], 6, 6).swapaxes(-1, -2).reshape(array.shape)

    return npz(folder, y=a["y"].conj(), channel=along_columns(a["channel"].conj()),
               codes=along_columns(a["codes"].conj()), azimuth=-a["azimuth_deg"],
               elevation=a["elevation_deg"], range=a["range_m"])  # fmt: skip


@layout
def polar_angles(a: Arrays, folder: Path) -> Path:
    """theta from the panel's normal, phi around it."""
    az, el = np.radians(a["azimuth_deg"]), np.radians(a["elevation_deg"])
    u, w = np.sin(az) * np.cos(el), np.sin(el)
    return npz(folder, y=a["y"], H=a["channel"], W=a["codes"],
               theta=np.arcsin(np.hypot(u, w)), phi=np.arctan2(w, u), r=a["range_m"],
               K=a["count"])  # fmt: skip


@layout
def zenith_angles_transposed(a: Arrays, folder: Path) -> Path:
    """Elevation from above, azimuth from the rows; y [antennas, snapshots] where L = M."""
    return npz(folder, Y=a["y"].swapaxes(1, 2), H=a["channel"], codes=a["codes"],
               azimuth=90 - a["azimuth_deg"], elevation=90 - a["elevation_deg"],
               range=a["range_m"], count=a["count"])  # fmt: skip


@layout
def channel_to_the_panel(a: Arrays, folder: Path) -> Path:
    """Channel as [elements, antennas], conjugated: y = G^H diag(c) a."""
    return npz(folder, y=a["y"], G=a["channel"].conj().swapaxes(1, 2), codes=a["codes"],
               azimuth_deg=a["azimuth_deg"], elevation_deg=a["elevation_deg"],
               range_m=a["range_m"], power=10 * np.log10(a["power"] + 1e-9),
               snr=10 ** (a["snr_db"] / 10))  # fmt: skip
