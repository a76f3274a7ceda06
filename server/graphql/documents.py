"""Operations that clients send by their hash instead of their text.

Automatic persisted queries follow Apollo's protocol: a client sends the SHA-256 of a document;
when it is not known here, it is told so and sends the text once along with the hash. With
trusted documents there is a list of operations made when the clients are built, and nothing
else runs. In both, a ``documentId`` works too (GraphQL over HTTP, appendix A).
"""

import hashlib
import itertools
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import orjson
from graphql import GraphQLSyntaxError, OperationDefinitionNode, parse

from db.bounded_store import BoundedStore
from db.database import Metric
from db.errors import GatewayError, InvalidInput
from server.graphql.request import GraphQLRequest

_KEPT_BYTES = 8 * 2**20
# A digest, and what a store needs for an entry.
_BYTES_BESIDE_TEXT = 500
_VERSION = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")


class PersistedQueryNotFound(GatewayError):
    """No document with this hash is known here; Apollo's clients then send the text."""

    code = "PERSISTED_QUERY_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class UntrustedDocument(GatewayError):
    """The document is not in the list of those that may run."""

    code = "PERSISTED_QUERY_NOT_IN_LIST"


class Documents(Protocol):
    """Where the texts of operations come from."""

    @property
    def operation_names(self) -> frozenset[str]:
        """The names that ``name_of`` can return."""

    def text_of(self, asked: GraphQLRequest) -> str:
        """The document that a request means. Raises GatewayError when there is none."""

    def name_of(self, query: str, operation_name: str | None) -> str | None:
        """The name of an operation of a document, where the operator gave it; else None."""

    def metrics(self) -> list[Metric]:
        """How much of them is kept for clients."""


class PersistedQueries:
    """Documents by their hash: those that clients sent last, within a number of bytes."""

    operation_names: frozenset[str] = frozenset()

    def __init__(self, max_bytes: int = _KEPT_BYTES) -> None:
        self._kept: BoundedStore[str, str] = BoundedStore("persisted_queries", max_bytes=max_bytes)

    def text_of(self, asked: GraphQLRequest) -> str:
        """The document that a request means.

        Raises PersistedQueryNotFound for a hash alone that is not known, and InvalidInput for
        one that is malformed or not that of the text beside it.
        """
        digest = _id_in(asked)
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
        # An id of another kind may be anything's, so nothing is kept under it for others.
        return asked.query

    def name_of(self, query: str, operation_name: str | None) -> str | None:  # noqa: ARG002
        """Nothing: a client's names are its own."""
        return None

    def _find(self, digest: str) -> str:
        query = self._kept.get(digest)
        if query is None:
            raise PersistedQueryNotFound
        return query

    def metrics(self) -> list[Metric]:
        """How full the store of documents is."""
        return self._kept.metrics()


class TrustedDocuments:
    """The documents of a manifest; a request means one of them or is refused."""

    def __init__(self, documents: Mapping[str, str]) -> None:
        self._by_hash: dict[str, str] = {}
        for written, text in documents.items():
            if self._by_hash.setdefault(_without_prefix(written), text) != text:
                raise InvalidInput(f"trusted_documents has two documents for {written}")
        self._names = {text: _names_in(text) for text in documents.values()}

    def text_of(self, asked: GraphQLRequest) -> str:
        """The document that a request means, by its hash or by its very text.

        Raises PersistedQueryNotFound or UntrustedDocument when it is not in the manifest.
        """
        digest = _id_in(asked)
        if digest is not None and asked.query is None:
            if digest not in self._by_hash:
                raise PersistedQueryNotFound
            return self._by_hash[digest]
        if asked.query not in self._names:
            raise UntrustedDocument(
                "Only the operations of this gateway's manifest run; send one of them by its hash"
            )
        return asked.query

    def name_of(self, query: str, operation_name: str | None) -> str | None:
        """The name of an operation of a document: the one asked for, or the only one."""
        names = self._names[query]
        if operation_name is None:
            return next(iter(names), None)
        return operation_name if operation_name in names else None

    def metrics(self) -> list[Metric]:
        """Nothing: clients add none."""
        return []

    @property
    def operation_names(self) -> frozenset[str]:
        """The names of all operations."""
        return frozenset(itertools.chain.from_iterable(self._names.values()))


def read_manifest(path: Path) -> TrustedDocuments:
    """Read a manifest: Apollo's, or Relay's and Codegen's object of ids and documents.

    An id is a hash, with or without ``sha256:``, or whatever the clients send.

    Raises InvalidInput when it can't be read.
    """
    try:
        manifest = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise InvalidInput(f"trusted_documents can't be read: {error}") from None
    if isinstance(manifest, dict) and isinstance(manifest.get("operations"), list):
        entries = [(each.get("id"), each.get("body")) for each in manifest["operations"]]
    elif isinstance(manifest, dict):
        entries = list(manifest.items())
    else:
        entries = [(None, None)]
    if not all(isinstance(part, str) for entry in entries for part in entry):
        raise InvalidInput(
            "trusted_documents must be an Apollo manifest, or an object of ids and documents"
        )
    return TrustedDocuments(dict(entries))


def _names_in(text: str) -> tuple[str, ...]:
    try:
        document = parse(text)
    except GraphQLSyntaxError:
        # Whoever sends it is told what is wrong with it.
        return ()
    return tuple(
        definition.name.value
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode) and definition.name
    )


def document_hash(query: str) -> str:
    """The SHA-256 of a document, in lower-case hex."""
    return hashlib.sha256(query.encode()).hexdigest()


def _id_in(asked: GraphQLRequest) -> str | None:
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
