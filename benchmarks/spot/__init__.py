"""Spot traces, the runs over them, and what came of each."""
