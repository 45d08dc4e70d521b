"""What each gateway on this host claims, and which claims conflict."""
