"""One file per noun, loaded when its command is run."""
