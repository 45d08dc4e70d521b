"""Everything that talks to the Docker Engine, to Compose, or to this host.

Its own types go in and out, and it decides nothing. The modules are imported one by one, since ``docker``
alone takes a tenth of a second to load.
"""
