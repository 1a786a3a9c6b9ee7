"""CoreWeave."""
