"""Where a job would run, why, and what ruled the other places out. Pure."""
