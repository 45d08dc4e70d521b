"""Commands that change, copy and keep gateways' states."""
