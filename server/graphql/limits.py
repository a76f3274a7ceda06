"""Limits on documents, checked before validation and execution.

The text is checked first, token by token, because parsing a document that is nested too deeply or
that never ends is an attack in itself. Then the document is measured as it would be executed, with
every fragment in every place where it is spread.
"""

from collections import Counter
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    Lexer,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Source,
    TokenKind,
)

TOO_COMPLEX = "OPERATION_TOO_COMPLEX"

_OPENING = {TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L}
_CLOSING = {TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R}
_NUMBERS = {TokenKind.INT, TokenKind.FLOAT}
_FRAGMENTS_IN_FRAGMENTS = 20
# Python rejects integers of more than 4,300 digits; no type here has as many as 20.
_LONGEST_NUMBER = 400
# Keys of responses, which are written again in every object of a list.
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a document."""

    max_document_bytes: int
    max_tokens: int
    max_depth: int
    max_aliases: int
    max_root_fields: int
    max_directives: int
    max_repeats: int
    max_variables: int
    max_cost: int
    max_event_cost: int
    max_page_size: int
    max_ids: int
    max_input_values: int
    max_input_objects: int
    max_validation_errors: int = 5

    def highest_cost(self, kind: OperationType) -> tuple[str, int]:
        """Return what an operation of a kind may cost, after the name of the setting."""
        if kind is OperationType.SUBSCRIPTION:
            return "max_event_cost", self.max_event_cost
        return "max_cost", self.max_cost


class TooComplex(GraphQLError):
    """A document exceeds a limit."""

    def __init__(self, limit: str, found: int | str, allowed: int) -> None:
        super().__init__(
            f"The operation has {found}; at most {allowed} are allowed ({limit})",
            extensions={"code": TOO_COMPLEX, "limit": limit, "maximum": allowed},
        )


@dataclass(frozen=True, slots=True)
class DocumentSize:
    """The size of a part of a document, including its fragments."""

    depth: int = 0
    repeats: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0

    def plus(self, other: "DocumentSize") -> "DocumentSize":
        """Return the size of two parts, one after the other."""
        return DocumentSize(
            max(self.depth, other.depth),
            max(self.repeats, other.repeats),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.directives + other.directives,
        )


def check_text(query: str, limits: Limits) -> int:
    """Return the number of tokens of a document.

    Raises TooComplex if it is too long, has too many tokens or is nested too deeply to be parsed,
    and GraphQLSyntaxError for invalid tokens.
    """
    # Scanning comments, spaces and texts takes time too, but they count as one token or none.
    size = len(query) if query.isascii() else len(query.encode(errors="surrogatepass"))
    if size > limits.max_document_bytes:
        raise TooComplex("max_document_bytes", f"{size} bytes", limits.max_document_bytes)
    lexer = Lexer(Source(query))
    count = nesting = 0
    # Arguments and lists of values nest too, but the depth counts only fields.
    deepest = 2 * limits.max_depth + _FRAGMENTS_IN_FRAGMENTS
    while (token := lexer.advance()).kind is not TokenKind.EOF:
        kind = token.kind
        count += 1
        if count > limits.max_tokens:
            raise TooComplex(
                "max_tokens", f"more than {limits.max_tokens} tokens", limits.max_tokens
            )
        nesting += (kind in _OPENING) - (kind in _CLOSING)
        if nesting > deepest:
            raise TooComplex("max_depth", f"more than {deepest} nested brackets", limits.max_depth)
        if kind in _NUMBERS and token.end - token.start > _LONGEST_NUMBER:
            raise GraphQLError(
                f"A number must have at most {_LONGEST_NUMBER} digits",
                extensions={"code": "GRAPHQL_VALIDATION_FAILED"},
            )
        if kind is TokenKind.NAME and token.end - token.start > _LONGEST_NAME:
            raise GraphQLError(
                f"A name must have at most {_LONGEST_NAME} characters",
                extensions={"code": "GRAPHQL_VALIDATION_FAILED"},
            )
    return count


def check_document(document: DocumentNode, limits: Limits) -> dict[str | None, int]:
    """Return the number of fields in each operation, by its name.

    A fragment counts wherever it is spread, so a short document can have many fields. Raises
    TooComplex, or GraphQLError for circular fragments, for any of the operations.
    """
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    survey = _Survey(fragments)
    return {
        definition.name.value if definition.name else None: _check_operation(
            definition, survey, limits
        )
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
    }


def _check_operation(operation: OperationDefinitionNode, survey: "_Survey", limits: Limits) -> int:
    found = survey.measure(operation.selection_set, ())
    roots = survey.count_fields(operation.selection_set)
    directives = found.directives + len(operation.directives or ())
    variables = len(operation.variable_definitions or ())
    for limit, count, what, allowed in (
        ("max_root_fields", roots, "root fields", limits.max_root_fields),
        ("max_depth", found.depth, "levels of fields", limits.max_depth),
        ("max_repeats", found.repeats, "fields of one name in one place", limits.max_repeats),
        ("max_aliases", found.aliases, "aliases", limits.max_aliases),
        # Every field costs at least 1.
        ("max_cost", found.fields, "fields", limits.max_cost),
        ("max_directives", directives, "directives", limits.max_directives),
        ("max_variables", variables, "variables", limits.max_variables),
    ):
        if count > allowed:
            raise TooComplex(limit, f"{count} {what}", allowed)
    return found.fields


class _Survey:
    """Measures selections; each fragment once, however often it is spread."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._measured: dict[str, DocumentSize] = {}
        self._fields: dict[str, int] = {}

    def measure(self, selections: SelectionSetNode, inside: tuple[str, ...]) -> DocumentSize:
        """What selections hold; ``inside`` are the fragments around them."""
        names = Counter(
            (node.alias or node.name).value
            for node in selections.selections
            if isinstance(node, FieldNode)
        )
        total = DocumentSize(repeats=max(names.values(), default=0))
        for node in selections.selections:
            directives = len(node.directives or ())
            if isinstance(node, FieldNode):
                below = (
                    self.measure(node.selection_set, inside)
                    if node.selection_set
                    else DocumentSize()
                )
                found = DocumentSize(
                    below.depth + 1,
                    below.repeats,
                    below.fields + 1,
                    below.aliases + (node.alias is not None),
                    below.directives + directives,
                )
            else:
                below = self._fragment(node, inside)
                found = DocumentSize(
                    below.depth,
                    below.repeats,
                    below.fields,
                    below.aliases,
                    below.directives + directives,
                )
            total = total.plus(found)
        return total

    def _fragment(self, node: object, inside: tuple[str, ...]) -> DocumentSize:
        if isinstance(node, InlineFragmentNode):
            return self.measure(node.selection_set, inside)
        if not isinstance(node, FragmentSpreadNode):
            return DocumentSize()
        name = node.name.value
        if name in inside:
            raise GraphQLError(
                f"Fragment {name} spreads itself, by way of {' and '.join(inside)}",
                extensions={"code": "GRAPHQL_VALIDATION_FAILED"},
            )
        if len(inside) >= _FRAGMENTS_IN_FRAGMENTS:
            raise TooComplex(
                "max_depth",
                f"fragments in fragments more than {_FRAGMENTS_IN_FRAGMENTS} deep",
                _FRAGMENTS_IN_FRAGMENTS,
            )
        definition = self._fragments.get(name)
        if definition is None:
            return DocumentSize()
        if name not in self._measured:
            self._measured[name] = self.measure(definition.selection_set, (*inside, name))
        return self._measured[name]

    def count_fields(self, selections: SelectionSetNode) -> int:
        """How many fields stand directly in selections, by way of fragments too."""
        count = 0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                count += 1
            elif isinstance(node, InlineFragmentNode):
                count += self.count_fields(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                definition = self._fragments.get(name)
                if name not in self._fields and definition:
                    self._fields[name] = self.count_fields(definition.selection_set)
                count += self._fields.get(name, 0)
        return count
