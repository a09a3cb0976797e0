"""`ris-tf gui`: the monitor, which `ris-gui` starts a little quicker."""

import typer


def gui(context: typer.Context) -> None:
    """Open the monitor: ris-tf gui [RUNS_DIR | RUN ...]; its options: ris-tf gui --help."""
    from gui.app import main

    main(context.args)
