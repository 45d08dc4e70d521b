"""What a page of the fleet needs of a watch."""
