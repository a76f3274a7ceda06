"""The contents of executions: what their engines left of each step."""
