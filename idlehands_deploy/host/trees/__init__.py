"""Directory trees of any depth: copied, counted, and given to an owner, without following links."""
