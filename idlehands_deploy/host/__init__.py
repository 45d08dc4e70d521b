"""This machine: files, sockets, processes, packages, systemd. Knows no fleet."""
