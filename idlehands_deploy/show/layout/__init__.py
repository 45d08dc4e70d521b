"""Lines and tables for a terminal of any width."""
