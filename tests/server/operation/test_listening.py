"""Binding the listening address, and the messages when that fails."""

import errno
import socket

import pytest

from server.operation.listening import CannotListen, bind, listen


def _closed(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()


def test_port_0_takes_a_free_port() -> None:
    bound = bind("127.0.0.1", 0)
    try:
        [one] = bound
        host, port = one.getsockname()
        assert host == "127.0.0.1"
        assert port > 0
    finally:
        _closed(bound)


def test_a_name_of_several_addresses_has_the_same_port_at_each() -> None:
    bound = bind("localhost", 0)
    try:
        assert len({each.getsockname()[1] for each in bound}) == 1
    finally:
        _closed(bound)


def test_calls_come_in_once_it_listens_and_not_before() -> None:
    bound = bind("127.0.0.1", 0)
    try:
        address = bound[0].getsockname()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        listen(bound, 10)
        socket.create_connection(address).close()
    finally:
        _closed(bound)


def test_a_port_in_use_is_said_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen) as refused:
            bind("127.0.0.1", port)
    assert refused.value.message == (
        f"Port {port} on 127.0.0.1 is in use by another program; stop that one, or choose "
        "another port with --port (GATEWAY_PORT)"
    )


def test_of_two_programs_that_bind_at_once_the_second_to_listen_is_told() -> None:
    first, second = bind("127.0.0.1", 0), []
    try:
        second = bind("127.0.0.1", first[0].getsockname()[1])
        listen(first, 10)
        with pytest.raises(CannotListen, match="is in use by another program"):
            listen(second, 10)
    finally:
        _closed([*first, *second])


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(CannotListen, match=r"^192\.0\.2\.1 is not an address of this machine; "):
        bind("192.0.2.1", 0)


@pytest.mark.parametrize("host", ["gateway.invalid", "a" * 70, "two words"])
def test_a_host_that_is_not_known_is_named(host: str) -> None:
    with pytest.raises(CannotListen, match=rf"^The host {host} is not known; "):
        bind(host, 0)


def test_a_port_that_needs_more_rights_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    # Root, which tests may run as, has the right to every port.
    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(CannotListen, match=r"^This user may not listen on port 80; "):
        bind("127.0.0.1", 80)
