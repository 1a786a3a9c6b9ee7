"""Vultr."""
