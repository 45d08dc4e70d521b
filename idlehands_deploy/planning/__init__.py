"""What a command is about to do, why, and doing it."""
