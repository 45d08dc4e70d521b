"""The proof that a gateway is usable: a page in its browser, and everything put back afterwards."""
