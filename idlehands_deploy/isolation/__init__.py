"""What each gateway takes of this host, and where two of them meet."""
