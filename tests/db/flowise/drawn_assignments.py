"""What an UPDATE sets: a few columns, or as Flowise's ORM does, all that may have changed."""

from collections.abc import Callable, Sequence

from hypothesis import strategies as st


@st.composite
def assignments(
    draw: st.DrawFn,
    columns: Sequence[str],
    values: Callable[[list[str]], st.SearchStrategy[list[str]]],
) -> str:
    """Columns of ``columns`` and the values that are drawn for them, as ``SET`` takes them."""
    chosen = draw(
        st.one_of(
            st.just(["executionData", "updatedDate"]),
            st.just(["state", "updatedDate"]),
            st.just([column for column in columns if column != "id"]),
            st.lists(st.sampled_from(columns), min_size=1, max_size=3, unique=True),
        )
    )
    pairs = zip(chosen, draw(values(chosen)), strict=True)
    return ", ".join(f'"{column}" = {value}' for column, value in pairs)
