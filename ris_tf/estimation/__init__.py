"""Where sources are: refinement, pursuit, the count test, estimators, and the bound on all.

Nothing is imported here: names of estimators are listed without TensorFlow.
"""
