"""The examination of a deployment, its host and its engine, and the archive for a bug report."""
