"""What is removed with a whole deployment: found, and planned."""
