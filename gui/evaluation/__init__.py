"""The Evaluation tab: estimators on test scenes beside the bound, and the commands that do it."""
