"""Tests against a real engine, real gateways and a real browser; switched on by ``--engine``."""
