"""Offers and prices: sources, snapshot, query, history."""
