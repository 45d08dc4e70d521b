"""How the command line is used: the help page, and the words of other programs."""
