"""What numbers the guarded step takes."""

from ris_tf.errors import UserError


def check_numbers(
    accumulation: int, clip_norm: float, ema: float | None, swa: float | None
) -> None:
    """Refuse the first that cannot be.

    Raises:
        UserError: names it.
    """
    rules = {
        "accumulation": (accumulation, accumulation >= 1, "at least 1"),
        "clip_norm": (clip_norm, clip_norm >= 0, "at least 0"),
        "ema": (ema, ema is None or 0 <= ema < 1, "within 0..1 and below 1, or None"),
        "swa": (swa, swa is None or 0 <= swa <= 1, "a share within 0..1, or None"),
    }
    for key, (value, valid, allowed) in rules.items():
        if not valid:
            raise UserError(key=key, value=value, allowed=f"must be {allowed}")
