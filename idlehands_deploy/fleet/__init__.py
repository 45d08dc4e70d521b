"""The person's fleet file as values, and the ports that follow from it. Pure."""
