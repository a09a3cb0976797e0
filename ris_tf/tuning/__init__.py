"""Hyperparameter searches: spaces, and the keras-tuner tuner whose trials are ordinary runs.

Nothing is imported here: spaces and errors of a command line are told before keras-tuner is loaded.
"""
