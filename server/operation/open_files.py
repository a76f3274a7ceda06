"""How many files, connections among them, the system lets this process hold open."""

import logging
import resource

logger = logging.getLogger("gateway")


def allow_open_files(needed: int) -> None:
    """Raise the limit of this process to as many as are needed, as far as the system lets it.

    A process that has reached its limit accepts no connection, and can make none to its database.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        logger.warning(
            "This process may hold %d files open (ulimit -n) and could need %d "
            "(GATEWAY_MAX_OPEN_CONNECTIONS, GATEWAY_MAX_CONNECTIONS)",
            allowed,
            needed,
        )
