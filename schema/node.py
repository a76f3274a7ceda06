"""Relay's object identification: ids that are unique among all types."""

import base64
import binascii

import strawberry

from db.texts import bytes_of, read_text


@strawberry.interface(description="Anything that node can find again by its id.")
class Node:
    """Relay's Node interface."""

    id: strawberry.ID = strawberry.field(
        description="An opaque id, unique among everything in this API."
    )


def global_id(type_name: str, key: str) -> strawberry.ID:
    """Return an id that is unique among all types, as Relay's object identification requires."""
    return strawberry.ID(base64.urlsafe_b64encode(bytes_of(f"{type_name}:{key}")).decode())


def read_global_id(id_: str) -> tuple[str, str] | None:
    """Return the type's name and the key of a global id; None unless ``global_id`` made it."""
    try:
        text = read_text(base64.b64decode(id_, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return None
    type_name, colon, key = text.partition(":")
    # Padding can be written in several ways, but each object has one id.
    return (type_name, key) if colon and global_id(type_name, key) == id_ else None
