"""Run several IdleHands gateways on one host, each in a container of its own."""

__version__ = "0.1.0"
