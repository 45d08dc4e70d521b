"""The Docker Engine and Compose; nothing else uses them directly.

This package returns its own types and makes no decisions. Its modules are imported one by one, because ``docker`` takes
a tenth of a second to load.
"""
