"""Imports over REST, from little servers on loopback."""
