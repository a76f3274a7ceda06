"""Whether anybody still waits for an answer."""

from typing import Any

from server.http.presence import end_of


class _Server:
    """What a server passes to an application."""

    def __init__(self) -> None:
        self.has_ended = False

    async def receive(self) -> Any:
        return {"type": "http.disconnect"}

    def is_over(self) -> bool:
        return self.has_ended


async def _plain_receive() -> Any:
    return {"type": "http.disconnect"}


def test_a_server_that_tells_is_asked() -> None:
    server = _Server()
    is_over = end_of(server.receive)
    assert not is_over()
    server.has_ended = True
    assert is_over()


def test_a_request_of_a_server_that_does_not_tell_is_never_over() -> None:
    assert not end_of(_plain_receive)()
