"""How the monitor shows it: Qt widgets bound to the models."""
