"""Paperspace machines."""
