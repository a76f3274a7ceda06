"""Raise the limit of open files, which connections count towards."""

import logging
import resource

logger = logging.getLogger("gateway")


def allow_open_files(needed: int) -> None:
    """Raise this process's limit to ``needed``, or as far as the system allows.

    A process at its limit can't accept connections or connect to its database.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        logger.warning(
            "This process may hold %d files open (ulimit -n) and could need %d "
            "(GATEWAY_MAX_OPEN_CONNECTIONS, GATEWAY_MAX_CONNECTIONS, GATEWAY_MAX_SUBSCRIPTIONS)",
            allowed,
            needed,
        )
