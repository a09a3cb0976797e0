"""Records trajectories of PyTorch's guarded training step, for `../test_trajectories.py`.

The reference is PyTorch's own: `GradScaler`, `clip_grad_norm_`, `AdamW` of two parameter groups,
gradients accumulated over micro-batches, and a `LambdaLR` that advances on applied steps alone.
A two-layer tanh network with a squared error is trained; each file holds 50 optimizer windows.
`README.md` beside this says what a file holds and how to make it again.

One thing is done by hand. Our step also drops a window whose *loss* is not finite, which GradScaler
never looks at, and drops windows where nothing is scaled and GradScaler is off (SPEC 5, stage 5).
This script drops those itself: it tells GradScaler that an overflow was found, or where that is off
leaves out the step. `by_hand` marks those windows.
"""
# pyright: reportMissingImports=false

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

WINDOWS = 50
ROWS, INPUTS, HIDDEN, OUTPUTS = 8, 3, 6, 2
LEARNING_RATE, HEAD_MULTIPLIER = 3e-3, 4.0
WARMUP, FINAL_RATE = 0.05, 0.01  # shares: of all windows, of the base
SWA_START, SWA_RATE = 0.8, 0.1  # shares: of all windows, of the base
HUGE = 1e37  # a loss multiplied by this is still finite, its scaled gradient is not


@dataclass
class Injection:
    """One number of one micro-batch that is not what it should be.

    Attributes:
        window: number of the window.
        batch: place of the micro-batch in its window.
        into: `inputs` or `targets` (one element), `factors` or `offsets`.
        value: what is put there.
    """

    window: int
    batch: int
    into: str
    value: float


@dataclass
class Case:
    """One recording; `first_scale` 0 is without loss scaling."""

    epochs: int = 5
    batches_per_epoch: int = 10
    accumulation: int = 1
    clip_norm: float = 1.0
    weight_decay: float = 1e-4
    swa: bool = False
    first_scale: float = 0.0
    patience: int = 2_000
    injections: tuple[Injection, ...] = ()
    factors: tuple[float, float] = (1.0, 1.0)  # between which losses are multiplied, evenly in log

    def windows(self) -> list[range]:
        """Numbers of the micro-batches of every window, the last of an epoch perhaps short."""
        per_epoch, g = self.batches_per_epoch, self.accumulation
        return [
            range(epoch * per_epoch + first, epoch * per_epoch + min(first + g, per_epoch))
            for epoch in range(self.epochs)
            for first in range(0, per_epoch, g)
        ]


NAN, INF = math.nan, math.inf
CASES = {
    "clip": Case(),
    "accumulation": Case(  # windows of 4, 4, 4, 4 and 3 micro-batches
        epochs=10,
        batches_per_epoch=19,
        accumulation=4,
        injections=(Injection(14, 2, "targets", NAN), Injection(22, 0, "inputs", INF)),
    ),
    "dynamic_scale": Case(
        epochs=10,
        batches_per_epoch=15,
        accumulation=3,
        first_scale=1024.0,
        patience=4,
        injections=(
            Injection(1, 0, "inputs", NAN),  # in the warm-up
            Injection(9, 1, "targets", INF),
            Injection(13, 2, "factors", HUGE),  # as the scale was about to grow
            Injection(18, 2, "inputs", INF),  # right after it grew
            Injection(25, 0, "targets", NAN),  # two in a row
            Injection(26, 2, "factors", -HUGE),
            Injection(40, 1, "factors", NAN),
        ),
    ),
    "decay": Case(clip_norm=0.0, weight_decay=0.5, swa=True),
    "loss_alone": Case(
        epochs=10,
        batches_per_epoch=10,
        accumulation=2,
        first_scale=65_536.0,
        injections=(
            Injection(0, 0, "offsets", NAN),
            Injection(7, 1, "offsets", INF),
            Injection(20, 0, "factors", HUGE),  # the converse: the gradient alone
            Injection(21, 0, "offsets", -INF),
        ),
    ),
    # Where Adam's epsilon shows: gradients of 1e-7 to 1e-3, as they are after most clips.
    "tiny": Case(clip_norm=1e-4, factors=(1e-7, 1e-3)),
    "tiny_scaled": Case(
        epochs=10,
        batches_per_epoch=9,
        accumulation=2,
        clip_norm=1e-5,
        first_scale=65_536.0,
        injections=(Injection(3, 1, "inputs", NAN),),
        factors=(1e-7, 1e-3),
    ),
}


def rate_factor(position: int, swa: bool) -> float:
    """Learning rate over its base after `position` applied windows (SPEC 5, stage 9)."""
    warm = math.ceil(WARMUP * WINDOWS)
    if swa and position >= math.ceil(SWA_START * WINDOWS):
        return SWA_RATE
    if position < warm:
        return (position + 1) / warm
    cosine = 0.5 * (1 + math.cos(math.pi * (position - warm) / (WINDOWS - warm)))
    return FINAL_RATE + (1 - FINAL_RATE) * cosine


def make_data(case: Case, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Micro-batches of a noisy smooth function, with the case's injections."""
    windows = case.windows()
    count = windows[-1].stop
    inputs = random.normal(size=(count, ROWS, INPUTS))
    mixing = random.normal(size=(INPUTS, OUTPUTS))
    targets = np.sin(inputs @ mixing) + 0.2 * random.normal(size=(count, ROWS, OUTPUTS))
    data = {
        "inputs": inputs.astype(np.float32),
        "targets": targets.astype(np.float32),
        "factors": np.ones(count, np.float32),
        "offsets": np.zeros(count, np.float32),
    }
    if case.factors != (1.0, 1.0):
        least, most = np.log(case.factors)
        data["factors"] = np.exp(random.uniform(least, most, count)).astype(np.float32)
    for injection in case.injections:
        batch = windows[injection.window][injection.batch]
        data[injection.into].reshape(count, -1)[batch, 0] = injection.value
    return data


def make_weights(random: np.random.Generator) -> dict[str, torch.Tensor]:
    """Weights of the two layers, by the names that the files use."""
    shapes = {
        "backbone_kernel": (INPUTS, HIDDEN),
        "backbone_bias": (HIDDEN,),
        "head_kernel": (HIDDEN, OUTPUTS),
        "head_bias": (OUTPUTS,),
    }
    return {
        name: torch.tensor(0.5 * random.normal(size=shape), dtype=torch.float32, requires_grad=True)
        for name, shape in shapes.items()
    }


def loss_of(
    weights: dict[str, torch.Tensor], data: dict[str, torch.Tensor], batch: int
) -> torch.Tensor:
    """`factor x mean squared error + offset` of one micro-batch."""
    inputs = data["inputs"][batch]
    hidden = torch.tanh(inputs @ weights["backbone_kernel"] + weights["backbone_bias"])
    outputs = hidden @ weights["head_kernel"] + weights["head_bias"]
    error = torch.mean((outputs - data["targets"][batch]) ** 2)
    return data["factors"][batch] * error + data["offsets"][batch]


def record(case: Case, seed: int) -> dict[str, np.ndarray]:
    """Train the case's 50 windows; everything that its file holds."""
    random = np.random.default_rng(seed)
    data = make_data(case, random)
    weights = make_weights(random)
    initial = {f"initial/{name}": w.detach().numpy().copy() for name, w in weights.items()}
    groups = [
        {
            "params": [w for name, w in weights.items() if name.startswith(group)],
            "lr": LEARNING_RATE * multiplier,
        }
        for group, multiplier in (("backbone", 1.0), ("head", HEAD_MULTIPLIER))
    ]
    optimizer = torch.optim.AdamW(
        groups, betas=(0.9, 0.999), eps=1e-8, weight_decay=case.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: rate_factor(t, case.swa))
    scaler = torch.amp.GradScaler(
        "cpu",
        init_scale=case.first_scale or 1.0,
        growth_interval=case.patience,
        enabled=bool(case.first_scale),
    )
    tensors = {name: torch.from_numpy(array) for name, array in data.items()}
    rows = []
    for batches in case.windows():
        rates = [group["lr"] for group in optimizer.param_groups]
        mean_loss = 0.0
        for batch in batches:
            loss = loss_of(weights, tensors, batch) / len(batches)
            scaler.scale(loss).backward()
            mean_loss += loss.item()
        scaler.unscale_(optimizer)
        norm = torch.nn.utils.clip_grad_norm_(weights.values(), case.clip_norm or math.inf)
        dropped, by_hand = step(scaler, optimizer, mean_loss, norm.item())
        if not dropped:
            schedule.step()
        optimizer.zero_grad()
        state = scaler.state_dict()
        rows.append(
            {
                **{f"weights/{name}": w.detach().numpy().copy() for name, w in weights.items()},
                "loss": np.float32(mean_loss),
                "norm": np.float32(norm.item()),
                "rates": np.array(rates),
                "skipped": dropped,
                "by_hand": by_hand,
                "scale": np.float32(state.get("scale", 1.0)),
                "growth": state.get("_growth_tracker", 0),
            }
        )
    after = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    assert_as_planned(case, after)
    return {**knobs_of(case), **data, **initial, **after}


def step(
    scaler: torch.amp.GradScaler, optimizer: torch.optim.Optimizer, loss: float, norm: float
) -> tuple[bool, bool]:
    """Step and update the scale; whether the window was dropped, and whether by hand."""
    if not scaler.is_enabled():
        dropped = not (math.isfinite(loss) and math.isfinite(norm))
        if not dropped:
            optimizer.step()
        return dropped, dropped
    verdicts = list(scaler._found_inf_per_device(optimizer).values())
    found = any(verdict.item() for verdict in verdicts)
    by_hand = not found and not math.isfinite(loss)
    if by_hand:
        for verdict in verdicts:
            verdict.fill_(1.0)
    scaler.step(optimizer)
    scaler.update()
    return found or by_hand, by_hand


def knobs_of(case: Case) -> dict[str, np.ndarray]:
    """The case in the words of our configuration."""
    knobs = {
        "training/epochs": case.epochs,
        "training/batches_per_epoch": case.batches_per_epoch,
        "training/accumulation": case.accumulation,
        "training/learning_rate": LEARNING_RATE,
        "training/head_multiplier": HEAD_MULTIPLIER,
        "training/weight_decay": case.weight_decay,
        "training/clip_norm": case.clip_norm,
        "training/warmup": WARMUP,
        "training/final_rate": FINAL_RATE,
        "training/swa": case.swa,
        "training/swa_start": SWA_START,
        "training/swa_rate": SWA_RATE,
        "training/loss_scale": "dynamic" if case.first_scale else "none",
        "first_scale": case.first_scale or 1.0,
        "patience": case.patience,
        "injected": [[injection.window, injection.batch] for injection in case.injections],
    }
    return {name: np.array(value) for name, value in knobs.items()}


def assert_as_planned(case: Case, after: dict[str, np.ndarray]) -> None:
    """A recording must hold what its case is about."""
    assert len(after["norm"]) == WINDOWS
    injected = sorted({injection.window for injection in case.injections})
    assert np.flatnonzero(after["skipped"]).tolist() == injected
    norms = after["norm"][~after["skipped"]]
    if case.clip_norm:
        assert (norms > case.clip_norm).any(), "no window is clipped"
        assert (norms < case.clip_norm).any(), "every window is clipped"


def main() -> None:
    """Write every case's file beside this one."""
    torch.set_num_threads(1)
    for seed, (name, case) in enumerate(CASES.items()):
        recording = record(case, seed)
        path = Path(__file__).with_name(f"{name}.npz")
        np.savez_compressed(path, allow_pickle=False, **recording)
        norms = recording["norm"][~recording["skipped"]]
        print(
            f"{path.name}: {path.stat().st_size / 1024:.0f} kB,"
            f" norm {norms.min():.2g} to {norms.max():.2g},"
            f" last scale {recording['scale'][-1]:g},"
            f" skipped {np.flatnonzero(recording['skipped']).tolist()},"
            f" by hand {np.flatnonzero(recording['by_hand']).tolist()}"
        )


if __name__ == "__main__":
    main()
