"""Profiles' states: changed as a whole or not at all, and kept to go back to."""
