"""A natively installed gateway becomes a profile."""
