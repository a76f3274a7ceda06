"""Gateways in front of a database of Flowise's, attached or not."""
