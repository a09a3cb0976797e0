"""Other tools: what they wrote, read; what they read, written."""
