"""Finish by a deadline for the least money: when to use spot capacity, when to wait for it, when to pay on-demand."""
