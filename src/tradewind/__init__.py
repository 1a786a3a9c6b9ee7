"""Tradewind runs a training job wherever it is the best deal."""

__version__ = "0.1.0"
