"""`ris-tf calibrate`: gains and positions of the panel's elements, from scenes that are known."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.options import Device, Plugins, RunFolder, require_out
from ris_tf.cli.plugins import load_named, open_run
from ris_tf.cli.terminal import say
from ris_tf.device import choose_device
from ris_tf.words import counted

if TYPE_CHECKING:
    import numpy as np

    from ris_tf.config import Config
    from ris_tf.estimation.calibration import Calibrated
    from ris_tf.scene import Measurement
    from ris_tf.scene.calibration import Calibration

SHOWN = 20  # dead elements that are named


def calibrate(
    run: RunFolder,
    file: Annotated[
        Path,
        typer.Argument(
            help="Scenes with known positions: .npz of y, channel, codes, azimuth_deg, "
            "elevation_deg, range_m, count; or a folder of them.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="File to write, ending in .npz.")] = Path(
        "calibration.npz"
    ),
    device: Device = None,
    plugin: Plugins = None,
) -> None:
    """Estimate gains and positions of the panel's elements from scenes with known sources.

    localize, evaluate and training take them: --calibration, imperfections.calibration.
    """
    from ris_tf.config import ConfigError, load_config, not_written

    choose_device(device)
    load_named(plugin)
    config = load_config(open_run(run).config_path)
    if out.suffix != ".npz":
        raise ConfigError(key="--out", value=out, allowed="must end in .npz")
    require_out("--out", out)
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow()
    from ris_tf.data.known import read_known
    from ris_tf.estimation.calibration import calibrate as estimated
    from ris_tf.estimation.calibration import calibration_of
    from ris_tf.runlog import atomic_write

    measurement, known_snr, at = read_known(config, file)
    found = estimated(config, measurement, at)
    calibration = calibration_of(config, found, measurement if known_snr else None)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(out, calibration.encoded())
    except OSError as error:
        raise not_written("--out", out, error, "choose another file") from error
    _show(config, found, calibration, _noise_energy(measurement) if known_snr else None)
    say(f"{out}: use it with --calibration {out}")


def _noise_energy(measurement: "Measurement") -> "np.ndarray":
    """`[B]` mean power of the noise."""
    import numpy as np

    power = np.mean(np.abs(measurement.y) ** 2, axis=(1, 2))
    return power / (1 + 10 ** (measurement.snr_db / 10))


def _show(
    config: "Config", found: "Calibrated", calibration: "Calibration", noise: "np.ndarray | None"
) -> None:
    """How well the elements are determined, and what was found."""
    import numpy as np

    from ris_tf.estimation.calibration import MISFIT

    count, dead = len(found.freedom), np.flatnonzero(found.dead)
    gains, spread = calibration.gains[~found.dead], found.deviation
    known = _rms(spread.gains[~found.dead])
    half_mm = 500 * config.geometry.wavelength_m
    moved = np.concatenate([calibration.x_m, calibration.z_m])[np.tile(~found.dead, 2)]
    unsure = np.concatenate([spread.x, spread.z])[np.tile(~found.dead, 2)]
    say(
        f"{counted(count, 'scene')}, {int(found.freedom.sum()):,} numbers beyond their symbols for "
        f"{len(calibration.gains)} elements"
    )
    if not found.settled:
        say("               the elements still moved in the last step: take these as a beginning")
    if noise is None:
        ratio = found.after.sum() / found.before.sum()
        say(f"residual       {100 * ratio:.1f} % of that without calibration")
    else:
        before, after = (
            np.median(energy / (found.freedom * noise)) for energy in (found.before, found.after)
        )
        say(f"residual       {before:.2f} of the noise before, {after:.2f} after (median)")
        if after > MISFIT:
            say(
                "               which is more than noise: are positions, their axes and the order "
                "of the elements as in docs/calibration.md?"
            )
    if calibration.model_error is not None:
        say(f"model error    {calibration.model_error:.2g} of the signal's energy remains")
    say(
        f"gains          differ from 1 by {_rms(gains - 1):.3f}, known to "
        f"{known:.3f} (RMS of elements that are not dead)"
    )
    say(
        f"displacements  {1e3 * _rms(moved):.2f} mm, {1e3 * _rms(moved) / half_mm:.3f} half "
        f"wavelengths, known to {1e3 * _rms(unsure):.2f} mm"
    )
    names = ", ".join(map(str, dead[:SHOWN])) + (", ..." if len(dead) > SHOWN else "")
    say(f"dead elements  {len(dead)}{': ' if len(dead) else ''}{names}")


def _rms(values: "np.ndarray") -> float:
    import numpy as np

    return float(np.sqrt(np.mean(np.abs(values) ** 2)))
