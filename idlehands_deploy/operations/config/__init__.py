"""What a gateway is given: its secrets."""
