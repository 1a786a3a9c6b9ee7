"""Lyceum."""
