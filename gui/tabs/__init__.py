"""The tabs that show a run."""
