"""Responses to handshakes that open no WebSocket."""

from http import HTTPStatus

from websockets.exceptions import HeaderLineTooLong, RequestLineTooLong, TooManyHeaders


def error_response(status: HTTPStatus, message: str, *headers: tuple[str, str]) -> bytes:
    """Return the bytes of a response that refuses a handshake and closes the connection."""
    body = message.encode()
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "content-type: text/plain; charset=utf-8",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers),
        "connection: close",
        "\r\n",
    ]
    return "\r\n".join(lines).encode() + body


def handshake_error(error: BaseException | None) -> tuple[HTTPStatus, str]:
    """Return the status and the message for a handshake that can't be parsed."""
    if isinstance(error, RequestLineTooLong):
        return HTTPStatus.REQUEST_URI_TOO_LONG, f"The URL of a handshake is too long: {error}"
    if isinstance(error, HeaderLineTooLong | TooManyHeaders):
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        return status, f"The headers of a handshake are too large: {error}"
    return HTTPStatus.BAD_REQUEST, "A WebSocket handshake must be a GET without a body"
