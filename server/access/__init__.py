"""Who may do what: API keys and their scopes.

``authentication`` turns an ``Authorization`` header into what its key may do; ``new_keys`` lets a
key work in every process as soon as it is made.
"""
