"""The composition root: settings, wiring, process start."""
