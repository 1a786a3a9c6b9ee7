"""Replays jobs against places, prices and a policy in virtual time: what it would cost, wait and miss. Pure."""
