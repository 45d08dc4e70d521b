"""Text and data without secrets, for bug reports and notifications."""
