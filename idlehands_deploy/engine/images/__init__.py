"""The gateway's image: built, extended, found and pulled."""
