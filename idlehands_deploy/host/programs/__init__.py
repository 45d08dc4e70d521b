"""Programs of this host that a person uses."""
