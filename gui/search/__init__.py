"""The Search tab: trials, the best so far, parallel coordinates."""
