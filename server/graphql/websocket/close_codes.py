"""Status codes and reasons for closing a WebSocket (RFC 6455, section 7.4)."""

LONGEST_REASON = 123
"""The longest reason, in bytes of UTF-8 (RFC 6455, section 5.5)."""


class CloseCode:
    """Status codes: registered ones, and those of graphql-transport-ws."""

    PROTOCOL_ERROR = 1002
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    INVALID_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INITIALISATION_TIMEOUT = 4408
    SUBSCRIBER_EXISTS = 4409
    TOO_MANY_INITIALISATIONS = 4429


def shortened(reason: str) -> str:
    """Return as much of a reason as fits into a close frame."""
    return reason.encode(errors="replace")[:LONGEST_REASON].decode(errors="ignore")
