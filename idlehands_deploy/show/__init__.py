"""What a person and a script see."""
