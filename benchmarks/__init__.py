"""What Tradewind costs and how fast it is, measured: `python -m benchmarks` runs everything and prints the tables.

Nothing here asserts a time. A figure stands beside its goal and beside a peer or a limit measured in the same run.
"""
