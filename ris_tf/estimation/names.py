"""What the estimators are called, and what each does."""

# By name, in the order of tables.
ESTIMATORS = {
    "network": "the network's slots alone",
    "network+ml": "the slots, refined by maximum likelihood",
    "network-mvdr": "MVDR on the network's covariance conditioned on the measurement",
    "network-mvdr+ml": "the same, refined",
    "network-music": "MUSIC on the same covariance",
    "network-music+ml": "the same, refined",
    "sample-mvdr": "MVDR on the sample covariance",
    "sample-music": "MUSIC on the sample covariance",
    "conditioned-mvdr": "MVDR on the sample covariance conditioned on the measurement",
    "modified-music": "MUSIC on the sample covariance's anti-diagonal",
    "pursuit": "Newtonised orthogonal matching pursuit",
    "truth+ml": "refinement that starts at the truth: what can be reached",
}
NETWORKED = tuple(name for name in ESTIMATORS if name.startswith("network"))
