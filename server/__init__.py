"""The edges (GraphQL over HTTP, REST, the command line) and what running them takes."""
