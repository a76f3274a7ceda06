"""Content negotiation: the media type that a client prefers (RFC 9110, section 12.5.1)."""

import functools

# Few headers recur; long ones are not worth their memory.
_LONGEST_CACHED = 200


def preferred(accept: str, offers: tuple[str, ...]) -> str | None:
    """Return the offer that an Accept header prefers, or None if it accepts none.

    Of equal offers, the one with the most specific range wins, then the earlier one. Without a
    header every offer is acceptable.
    """
    return (_cached if len(accept) <= _LONGEST_CACHED else _preferred)(accept, offers)


def _preferred(accept: str, offers: tuple[str, ...]) -> str | None:
    ranges = [_parse(part) for part in accept.split(",") if part.strip()]
    if not ranges:
        return offers[0]
    ranked = [(_quality(offer, ranges), -index) for index, offer in enumerate(offers)]
    (quality, _), index = max(ranked)
    return offers[-index] if quality > 0 else None


_cached = functools.lru_cache(maxsize=500)(_preferred)


def _quality(offer: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    kind = offer.split("/", 1)[0]
    for specificity, name in ((2, offer), (1, f"{kind}/*"), (0, "*/*")):
        for media_type, quality in ranges:
            if media_type == name:
                return quality, specificity
    return 0.0, 0


def _parse(part: str) -> tuple[str, float]:
    media_type, *parameters = (each.strip().lower() for each in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media_type, min(max(float(value), 0.0), 1.0)
            except ValueError:
                return media_type, 0.0
    return media_type, 1.0
