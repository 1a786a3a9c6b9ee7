"""Facts on accelerators and processors, and detection of the local ones."""
