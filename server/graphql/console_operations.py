"""The operations of the gateway's own console, which always run, whatever else is trusted.

The build of the console writes them to ``operations.json``. What clients may ask does not grow by
them: whoever runs one needs its scopes, and the limits apply as to any other document.
"""

import logging
import os
from collections.abc import Container
from pathlib import Path

from db.database import Metric
from db.errors import InvalidInput
from server.graphql.documents import (
    Documents,
    PersistedQueryNotFound,
    TrustedDocuments,
    UntrustedDocument,
    document_id_of,
    documents_in,
)
from server.graphql.request import GraphQLRequest
from server.http.bundle import BundlePage

logger = logging.getLogger("gateway.console")

_LARGEST = 256 * 2**10
_MOST_NAMES = 200
# No name of an operation has a colon in it, so none of the operator's is the same.
_PREFIX = "console:"

_Version = tuple[int, ...]
_MISSING: _Version = ()


class ConsoleOperations:
    """The operations of the bundle in a folder, which may not exist, or not yet, or be replaced."""

    def __init__(self, folder: Path) -> None:
        self._page = folder / BundlePage.CONSOLE
        self._manifest = folder / "operations.json"
        self._version: _Version | None = None
        self._trusted = TrustedDocuments({})
        self.names: set[str] = set()
        """The names of operations in metrics: bounded, although builds replace operations."""
        self.look()

    def look(self) -> bool:
        """Read the manifest if it has changed; return whether there are other operations now.

        If it can't be read, log why and keep the operations that there are.
        """
        version = self._version_now()
        if version == self._version:
            return False
        self._version = version
        if version is _MISSING:
            if self._page.is_file():
                logger.warning(
                    "The console was built without %s: it can't run", self._manifest.name
                )
            return False
        try:
            self._trusted = TrustedDocuments(self._read(), self._manifest.name)
        except InvalidInput as error:
            logger.warning("The console can't be trusted to run its operations: %s", error.message)
            return False
        for name in sorted(self._trusted.operation_names):
            if len(self.names) < _MOST_NAMES:
                self.names.add(_PREFIX + name)
        return True

    def text_of(self, document_id: str) -> str | None:
        """Return the document with an id, or None."""
        return self._trusted.by_id.get(document_id)

    def has(self, text: str) -> bool:
        """Whether a document is one of the console's."""
        return text in self._trusted

    def name_of(self, text: str, operation_name: str | None) -> str | None:
        """Return the name in metrics of an operation of one of these documents, or None."""
        name = f"{_PREFIX}{self._trusted.name_of(text, operation_name)}"
        return name if name in self.names else None

    def _version_now(self) -> _Version:
        try:
            status = self._manifest.stat()
        except OSError:
            return _MISSING
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> dict[str, str]:
        name = self._manifest.name
        try:
            with self._manifest.open("rb") as file:
                content = file.read(_LARGEST + 1)
        except OSError as error:
            raise InvalidInput(f"{name} can't be read: {os.strerror(error.errno or 0)}") from None
        if len(content) > _LARGEST:
            raise InvalidInput(f"{name} must have at most {_LARGEST} bytes")
        return documents_in(content, name)


class WithConsole:
    """The documents of clients, and the operations of the console besides."""

    def __init__(self, documents: Documents, console: ConsoleOperations) -> None:
        self._documents = documents
        self._console = console

    @property
    def operation_names(self) -> Container[str]:
        """All names that ``name_of`` can return, also after a build."""
        return _Both(self._documents.operation_names, self._console.names)

    def text_of(self, asked: GraphQLRequest) -> str:
        """Return the document that a request means. Raises GatewayError if there is none."""
        document_id = document_id_of(asked)
        if asked.query is None and document_id is not None:
            return self._find(document_id, asked)
        try:
            return self._documents.text_of(asked)
        except UntrustedDocument:
            text = asked.query
            if text is None or not (self._console.has(text) or self._is_new(text)):
                raise
            return text

    def _find(self, document_id: str, asked: GraphQLRequest) -> str:
        text = self._console.text_of(document_id)
        if text is not None:
            return text
        try:
            return self._documents.text_of(asked)
        except PersistedQueryNotFound:
            # Only now, because a look at the file takes longer than one at all documents.
            text = self._console.text_of(document_id) if self._console.look() else None
            if text is None:
                raise
            return text

    def _is_new(self, text: str) -> bool:
        return self._console.look() and self._console.has(text)

    def name_of(self, query: str, operation_name: str | None) -> str | None:
        """Return the name in metrics of an operation, or None."""
        if self._console.has(query):
            return self._console.name_of(query, operation_name)
        return self._documents.name_of(query, operation_name)

    def metrics(self) -> list[Metric]:
        """Return the use of the store that clients fill."""
        return self._documents.metrics()


class _Both:
    """Two collections of names as one, also when one of them grows."""

    def __init__(self, some: Container[str], others: Container[str]) -> None:
        self._parts = some, others

    def __contains__(self, name: object) -> bool:
        return any(name in part for part in self._parts)
