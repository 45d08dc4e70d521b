"""The deep check: opens a page in a gateway's browser, and restores everything afterwards."""
