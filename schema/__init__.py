"""What clients see: the GraphQL types, without any input or output of their own."""
