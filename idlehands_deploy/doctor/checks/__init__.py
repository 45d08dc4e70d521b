"""What `doctor` looks for: facts in, findings out. Pure, a module a subject."""
