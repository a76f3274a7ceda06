"""The gateway in front of a Flowise: its tables beside Flowise's, and triggers between them."""
