"""What is generated from a fleet: values in, stable text out. Pure."""
