"""The examination of everything that a deployment stands on, and the archive for a bug report."""
