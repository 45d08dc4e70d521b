"""What is true of a gateway: observed, judged, waited for, proven."""
