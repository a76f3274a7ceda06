"""What is stored and how it is asked. Knows neither GraphQL nor HTTP."""
