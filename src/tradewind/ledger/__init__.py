"""What cost money when, what is held for it, and reports over both."""
