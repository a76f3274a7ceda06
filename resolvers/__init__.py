"""What clients can ask for and do: the GraphQL root types and their context."""
