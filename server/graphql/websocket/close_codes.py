"""How a WebSocket is closed: with a status, and a reason (RFC 6455, section 7.4)."""

LONGEST_REASON = 123
"""How many bytes of UTF-8 a reason for closing may have (RFC 6455, section 5.5)."""


class CloseCode:
    """Statuses with which a socket is closed: registered ones, and graphql-transport-ws's own."""

    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
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
    """As much of a reason for closing as fits into its frame."""
    return reason.encode(errors="replace")[:LONGEST_REASON].decode(errors="ignore")
