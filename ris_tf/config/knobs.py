"""How a knob is declared: default, bounds, unit and one sentence, in one line."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, model_validator
from pydantic_core import core_schema

POSITIVE = 1e-12  # bound of knobs that must be above zero


class Section(BaseModel):
    """A group of knobs: unknown keys, wrong types and non-finite numbers are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_all_defaults(cls, value: Any) -> Any:
        return {} if value is None else value


def knob(default: Any, sentence: str, unit: str | None = None, **bounds: Any) -> Any:
    """Declare a knob.

    Args:
        default: value where a configuration does not set it.
        sentence: what it does, for help, tooltips and the docs table.
        unit: unit of the value, `None` for pure numbers and choices.
        bounds: pydantic's `ge`, `gt`, `le`, `lt`, `min_length`, `max_length`.
    """
    return Field(default, description=sentence, json_schema_extra={"unit": unit}, **bounds)


Interval = tuple[float, float]


def _ordered(interval: Interval) -> Interval:
    if interval[0] > interval[1]:
        raise ValueError(f"must be [least, most] with least <= most, not {list(interval)}")
    return interval


@dataclass(frozen=True)
class Within:
    """Marks a `[least, most]` pair as one whose ends lie within these bounds."""

    ge: float
    le: float

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Both ends within bounds, in order; YAML's lists are taken as pairs."""
        del source
        end = Annotated[float, Field(ge=self.ge, le=self.le)]
        pair = handler.generate_schema(Annotated[tuple[end, end], Field(strict=False)])
        return core_schema.no_info_after_validator_function(_ordered, pair)
