"""The real Flowise, with the gateway in front of it: what `make flowise` installs and runs.

It is no part of `make test`: npm installs some 2.7 GB, and each start of Flowise takes a minute.
"""
