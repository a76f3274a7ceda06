"""Long lists are completed in turns, so that nobody waits for the whole of one."""

import asyncio

import pytest
import strawberry

from schema.turns import in_turns


@strawberry.type
class Row:
    number: int


@strawberry.type
class Query:
    @strawberry.field
    async def rows(self, count: int) -> list[Row]:
        return in_turns(Row(number=number) for number in range(count))


SCHEMA = strawberry.Schema(Query)


async def _turns_of_others(count: int) -> int:
    """How often another task had its turn while a list was completed."""
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.ensure_future(take_turns())
    result = await SCHEMA.execute(f"{{ rows(count: {count}) {{ number }} }}")
    other.cancel()
    assert result.data == {"rows": [{"number": number} for number in range(count)]}
    return turns


@pytest.mark.anyio
async def test_others_have_their_turn_while_a_long_list_is_completed() -> None:
    short = await _turns_of_others(10)
    assert await _turns_of_others(1_000) >= short + 30
