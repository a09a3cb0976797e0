"""`python -m gui`."""

from gui.app import main

main()
