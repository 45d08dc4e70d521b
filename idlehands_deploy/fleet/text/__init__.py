"""The fleet file as text: what is wrong in it, in words, and edits of it."""
