"""What listens on this host, and how others reach it."""
