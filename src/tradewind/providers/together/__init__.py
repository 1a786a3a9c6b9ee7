"""Together AI."""
