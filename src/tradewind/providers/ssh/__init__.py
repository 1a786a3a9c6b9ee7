"""Machines of your own, reached over SSH."""
