"""Training: graphs by the dozen."""

from graphs import _freed, _imported  # noqa: F401
