"""Hours, money, energy and carbon of a job on an offer. Pure."""
