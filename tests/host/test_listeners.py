from __future__ import annotations

import socket

import pytest

from idlehands_deploy.host.network import listeners as module
from idlehands_deploy.host.network.listeners import listeners


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::"])
def test_a_listener_is_found_with_its_address(address: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as listener:
        try:
            listener.bind((address, 0))
        except OSError:
            pytest.skip("this host has no such address")
        port = listener.getsockname()[1]
        assert listeners({port}) == {}
        listener.listen()
        assert listeners({port, 1}) == {port: frozenset({address})}


def test_without_the_kernel_s_tables_a_connection_shows_a_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TABLES", ())
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        assert listeners({port}) == {}
        listener.listen()
        assert listeners({port}) == {port: frozenset({"127.0.0.1"})}
