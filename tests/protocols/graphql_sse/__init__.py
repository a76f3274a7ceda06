"""The distinct connections mode of graphql-sse."""
