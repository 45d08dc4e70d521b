"""The deployment directory, and what a command starts from."""
