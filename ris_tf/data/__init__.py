"""Scenes from files and to files."""
