"""Knobs of hyperparameter searches: what a trial may spend, and what it is compared on."""

from ris_tf.config.knobs import Section, knob


class Search(Section):
    """The budget of a trial; everything else of a configuration is the same in a search."""

    scenes: int = knob(
        6400, "Scenes that an epoch of a trial trains on.", "scenes", ge=1, le=1_000_000_000
    )
    stop_unhealthy: bool = knob(
        False,
        "Stop a trial after the epoch in which its health check names a cause that no further "
        "epoch mends.",
    )
    validation_scenes: int = knob(
        640, "Fixed scenes that all trials are compared on.", "scenes", ge=1, le=10_000_000
    )
