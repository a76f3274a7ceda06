"""The commands ``attach flowise`` and ``detach flowise``."""
