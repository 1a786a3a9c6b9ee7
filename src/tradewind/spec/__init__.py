"""The job file: its models, how it is read from YAML, and errors that say where and what would be right."""
