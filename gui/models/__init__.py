"""What the monitor shows, without Qt."""
