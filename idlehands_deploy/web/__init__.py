"""The page of the fleet, served on loopback; it only reads."""
