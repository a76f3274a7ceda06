"""Authentication and authorization by API keys.

``authentication`` turns an ``Authorization`` header into a ``Principal``: who is asking, and the
scopes they have. ``new_keys`` looks up keys that were created since all keys were last read.
"""
