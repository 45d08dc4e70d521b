"""The state of a gateway: observation, verdict, wait and deep check."""
