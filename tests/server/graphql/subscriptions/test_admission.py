"""Who may subscribe, and how long: places, and keys that end."""

from typing import Any

import pytest

from db.clients import Client
from db.errors import ServiceUnavailable
from db.keys import Scope
from server.access.authentication import ANYONE, Forbidden, Principal, Unauthenticated
from server.graphql.subscriptions.admission import Admission, Place, TooManySubscriptions
from server.graphql.subscriptions.sink import EndCode, Ending
from tests.waiting import until

READER = Principal(frozenset({Scope.READ}), Client("key 1", may_write=False), None)
OTHER = Principal(frozenset({Scope.READ}), Client("key 2", may_write=False), None)
WRITER = Principal(frozenset({Scope.UPDATE}), Client("key 3", may_write=True), None)

pytestmark = pytest.mark.anyio


class _Keys:
    """Authenticates as it is told; what it is told about is no longer a reader."""

    def __init__(self) -> None:
        self.told: dict[str | None, Principal | Exception] = {}
        self.asked = 0

    async def authenticate(self, authorization: str | None) -> Principal:
        self.asked += 1
        answer = self.told.get(authorization, READER)
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Sink:
    def __init__(self) -> None:
        self.ended: list[EndCode] = []
        self.place: Place | None = None

    def write(self, messages: Any) -> bool:  # noqa: ARG002 - nothing is written here
        return True

    def end(self, ending: Ending) -> None:
        self.ended.append(ending.code)
        if self.place is not None:
            self.place.leave(ending.code)


def _admission(keys: Any = None, *, maximum: int = 9, maximum_per_key: int = 9) -> Admission:
    authenticator: Any = keys or _Keys()
    return Admission(authenticator, maximum=maximum, maximum_per_key=maximum_per_key)


def _value(admission: Admission, **labels: str) -> float:
    [metric] = [metric for metric in admission.metrics() if metric.labels == labels]
    return metric.value()


async def test_so_many_run_in_all_and_each_that_ends_makes_room() -> None:
    admission = _admission(maximum=2)
    place = admission.enter("a", READER, _Sink())
    admission.enter("b", OTHER, _Sink())
    with pytest.raises(TooManySubscriptions, match="max_subscriptions") as refused:
        admission.enter("b", OTHER, _Sink())
    assert refused.value.limit == "max_subscriptions"
    place.leave()
    place.leave()
    admission.enter("b", OTHER, _Sink())
    assert _value(admission, limit="max_subscriptions") == 2


async def test_so_many_run_for_one_key_whatever_others_have() -> None:
    admission = _admission(maximum_per_key=1)
    place = admission.enter("a", READER, _Sink())
    with pytest.raises(TooManySubscriptions) as refused:
        admission.enter("a", READER, _Sink())
    assert refused.value.limit == "max_subscriptions_per_key"
    admission.enter("b", OTHER, _Sink())
    place.leave()
    admission.enter("a", READER, _Sink())


async def test_those_who_need_no_key_have_only_the_limit_for_all() -> None:
    admission = _admission(maximum_per_key=1)
    for _ in range(5):
        admission.enter(None, ANYONE, _Sink())


async def test_a_key_that_may_not_read_may_not_subscribe() -> None:
    with pytest.raises(Forbidden):
        _admission().enter("a", WRITER, _Sink())


@pytest.mark.parametrize(
    ("answer", "code"),
    [(Unauthenticated("revoked"), EndCode.UNAUTHENTICATED), (WRITER, EndCode.FORBIDDEN)],
)
async def test_subscriptions_end_with_their_key_and_others_go_on(
    answer: Principal | Exception, code: EndCode
) -> None:
    keys = _Keys()
    admission = _admission(keys)
    ending, staying = _Sink(), _Sink()
    ending.place = admission.enter("a", READER, ending)
    admission.enter("b", OTHER, staying)
    keys.told["a"] = answer
    await until(lambda: bool(ending.ended))
    assert ending.ended == [code]
    assert staying.ended == []
    assert _value(admission, limit="max_subscriptions") == 1
    assert _value(admission, code=code) == 1


@pytest.mark.parametrize("error", [ServiceUnavailable("busy"), RuntimeError("a bug")], ids=repr)
async def test_keys_that_cannot_be_read_end_nothing_and_are_checked_again(error: Exception) -> None:
    keys, sink = _Keys(), _Sink()
    admission = _admission(keys)
    sink.place = admission.enter("a", READER, sink)
    keys.told["a"] = error
    await until(lambda: keys.asked > 2)
    assert sink.ended == []
    keys.told["a"] = Unauthenticated("revoked")
    await until(lambda: bool(sink.ended))
