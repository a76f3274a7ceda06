"""Documents that clients name by their hash instead of sending the text.

Automatic persisted queries follow Apollo's protocol: a client sends the SHA-256 of a document, and
if the gateway does not know it, sends the text once along with the hash. Trusted documents are a
manifest of operations, written when the clients are built; nothing else runs. In both cases clients
may use ``documentId`` too (GraphQL over HTTP, appendix A).
"""

import hashlib
import itertools
import re
import sys
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any, Protocol

import orjson
from graphql import GraphQLSyntaxError, OperationDefinitionNode, parse

from db.bounded_store import BoundedStore
from db.database import Metric
from db.errors import GatewayError, InvalidInput
from server.graphql.request import GraphQLRequest

_KEPT_BYTES = 8 * 2**20
# A hash, and the overhead of an entry.
_BYTES_BESIDE_TEXT = 500
_VERSION = 1
_MANIFEST = "trusted_documents"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class PersistedQueryNotFound(GatewayError):
    """No document with this hash is known; Apollo's clients then send the text."""

    code = "PERSISTED_QUERY_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class UntrustedDocument(GatewayError):
    """The document is not in the manifest."""

    code = "PERSISTED_QUERY_NOT_IN_LIST"


class Documents(Protocol):
    """The source of documents."""

    @property
    def operation_names(self) -> Container[str]:
        """All names that ``name_of`` can return."""

    def text_of(self, asked: GraphQLRequest) -> str:
        """Return the document that a request means. Raises GatewayError if there is none."""

    def name_of(self, query: str, operation_name: str | None) -> str | None:
        """Return the name of an operation of a document if the operator chose it, or None."""

    def metrics(self) -> list[Metric]:
        """Return the use of the store."""


class PersistedQueries:
    """The documents that clients sent most recently, by their hash."""

    operation_names: Container[str] = frozenset()

    def __init__(self, max_bytes: int = _KEPT_BYTES) -> None:
        self._kept: BoundedStore[str, str] = BoundedStore("persisted_queries", max_bytes=max_bytes)

    def text_of(self, asked: GraphQLRequest) -> str:
        """Return the document that a request means.

        Raises PersistedQueryNotFound for an unknown hash without a text, and InvalidInput for a
        hash that is malformed or not that of the text.
        """
        digest = document_id_of(asked)
        if digest is None:
            if asked.query is None:
                raise InvalidInput.of("query", asked.query, "a GraphQL document, as a string")
            return asked.query
        if asked.query is None:
            return self._find(digest)
        if document_hash(asked.query) == digest:
            self._kept.put(digest, asked.query, sys.getsizeof(asked.query) + _BYTES_BESIDE_TEXT)
        elif asked.document_id is None:
            raise InvalidInput("persistedQuery.sha256Hash must be the SHA-256 of query, in hex")
        elif _SHA256.fullmatch(digest):
            raise InvalidInput("documentId must be the SHA-256 of query, in hex")
        # Anyone may choose ids of other kinds, so the text is not stored under them for others.
        return asked.query

    def name_of(self, query: str, operation_name: str | None) -> str | None:  # noqa: ARG002
        """Return None: clients choose their own names."""
        return None

    def _find(self, digest: str) -> str:
        query = self._kept.get(digest)
        if query is None:
            raise PersistedQueryNotFound
        return query

    def metrics(self) -> list[Metric]:
        """Return the use of the store."""
        return self._kept.metrics()


class TrustedDocuments:
    """The documents of a manifest; any other document is refused.

    Raises InvalidInput if the manifest, which is called ``name``, has two documents for one id.
    """

    def __init__(self, documents: Mapping[str, str], name: str = _MANIFEST) -> None:
        self.by_id: dict[str, str] = {}
        """All documents by their ids, without ``sha256:``."""
        for written, text in documents.items():
            if self.by_id.setdefault(_without_prefix(written), text) != text:
                raise InvalidInput(f"{name} has two documents for {written}")
        self._names = {text: _names_in(text) for text in documents.values()}

    def __contains__(self, text: str) -> bool:
        """Whether a document is in the manifest."""
        return text in self._names

    def text_of(self, asked: GraphQLRequest) -> str:
        """Return the document that a request means, by its hash or by its exact text.

        Raises PersistedQueryNotFound or UntrustedDocument if it is not in the manifest.
        """
        digest = document_id_of(asked)
        if digest is not None and asked.query is None:
            if digest not in self.by_id:
                raise PersistedQueryNotFound
            return self.by_id[digest]
        if asked.query not in self._names:
            raise UntrustedDocument(
                "Only the operations of this gateway's manifest run; send one of them by its hash"
            )
        return asked.query

    def name_of(self, query: str, operation_name: str | None) -> str | None:
        """Return the name of an operation: the requested one, or the only one."""
        names = self._names[query]
        if operation_name is None:
            return next(iter(names), None)
        return operation_name if operation_name in names else None

    def metrics(self) -> list[Metric]:
        """Return nothing: clients add no documents."""
        return []

    @property
    def operation_names(self) -> frozenset[str]:
        """The names of all operations."""
        return frozenset(itertools.chain.from_iterable(self._names.values()))


def read_manifest(path: Path) -> TrustedDocuments:
    """Read a manifest: Apollo's, or an object of ids and documents, as of Relay or Codegen.

    An id is a hash, with or without ``sha256:``, or whatever the clients send.

    Raises InvalidInput if it can't be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{_MANIFEST} can't be read: {error}") from None
    return TrustedDocuments(documents_in(content, _MANIFEST))


def documents_in(content: bytes, name: str) -> dict[str, str]:
    """Return the documents of a manifest by their ids; see ``read_manifest``.

    Raises InvalidInput, which calls it ``name``, if it is none.
    """
    try:
        manifest = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{name} can't be read: {error}") from None
    if isinstance(manifest, dict) and isinstance(manifest.get("operations"), list):
        entries: list[tuple[Any, Any]] = [
            (each.get("id"), each.get("body")) if isinstance(each, dict) else (None, None)
            for each in manifest["operations"]
        ]
    elif isinstance(manifest, dict):
        entries = list(manifest.items())
    else:
        entries = [(None, None)]
    if not all(isinstance(part, str) for entry in entries for part in entry):
        raise InvalidInput(f"{name} must be an Apollo manifest, or an object of ids and documents")
    return dict(entries)


def _names_in(text: str) -> tuple[str, ...]:
    try:
        document = parse(text)
    except (GraphQLSyntaxError, RecursionError):
        # The client that sends it gets the error.
        return ()
    return tuple(
        definition.name.value
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode) and definition.name
    )


def document_hash(query: str) -> str:
    """Return the SHA-256 of a document, in lower-case hex."""
    return hashlib.sha256(query.encode()).hexdigest()


def document_id_of(asked: GraphQLRequest) -> str | None:
    """Return the id by which a request names its document, without ``sha256:``; None for none.

    Raises InvalidInput if the id is malformed, or there are two.
    """
    digest = _hash_in(asked.extensions)
    if asked.document_id is None:
        return digest
    document_id = _without_prefix(asked.document_id)
    if digest not in (None, document_id):
        raise InvalidInput("documentId and persistedQuery.sha256Hash must mean the same document")
    return document_id


def _without_prefix(document_id: str) -> str:
    return document_id.removeprefix("sha256:")


def _hash_in(extensions: dict[str, Any] | None) -> str | None:
    persisted = (extensions or {}).get("persistedQuery")
    if persisted is None:
        return None
    digest = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(digest, str) or persisted.get("version", _VERSION) != _VERSION:
        raise InvalidInput.of(
            "persistedQuery", persisted, 'an object such as {"version": 1, "sha256Hash": "…"}'
        )
    return digest
