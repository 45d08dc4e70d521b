"""Changes of a gateway's config: its text, its owner, its validation and what it takes to apply them."""
