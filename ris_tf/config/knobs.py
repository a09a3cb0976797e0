"""How a knob is declared: default, bounds, unit and one sentence, in one line."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

POSITIVE = 1e-12  # bound of knobs that must be above zero


class Section(BaseModel):
    """A group of knobs: unknown keys, wrong types and non-finite numbers are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def knob(default: Any, sentence: str, unit: str | None = None, **bounds: Any) -> Any:
    """Declare a knob.

    Args:
        default: value where a configuration says nothing.
        sentence: what it does, for help, tooltips and the docs table.
        unit: unit of the value, `None` for pure numbers and choices.
        bounds: pydantic's `ge`, `gt`, `le`, `lt`, `min_length`, `max_length`.
    """
    return Field(default, description=sentence, json_schema_extra={"unit": unit}, **bounds)


def _ordered(interval: tuple[float, float]) -> tuple[float, float]:
    if interval[0] > interval[1]:
        raise ValueError(f"must be [least, most] with least <= most, not {list(interval)}")
    return interval


def interval(least: float, most: float) -> Any:
    """Type of a `[least, most]` pair whose ends lie within the bounds given."""
    end = Annotated[float, Field(ge=least, le=most)]
    return Annotated[tuple[end, end], Field(strict=False), AfterValidator(_ordered)]
