"""Azure virtual machines."""
