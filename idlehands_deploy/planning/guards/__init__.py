"""What would fail halfway is refused before anything is touched."""
