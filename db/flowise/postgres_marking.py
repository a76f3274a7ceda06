"""How a transaction in PostgreSQL tells its triggers which of its writes follow Flowise's."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """A setting that is on while a part of a function's body runs.

    Only a superuser may name such a setting among those of a function. If the part fails, the block
    around it that goes on has the setting as it was.
    """

    name: str

    @property
    def declaration(self) -> str:
        """What the body declares."""
        return f"was_marked text := current_setting('{self.name}', true);"

    @property
    def begin(self) -> str:
        """What comes before the part."""
        return f"PERFORM set_config('{self.name}', 'on', true);"

    @property
    def end(self) -> str:
        """What comes after it."""
        return f"PERFORM set_config('{self.name}', coalesce(was_marked, ''), true);"

    @property
    def is_off(self) -> str:
        """The condition of whoever is called outside of such a part."""
        return f"current_setting('{self.name}', true) IS DISTINCT FROM 'on'"


FROM_FLOWISE = Mark("gateway.from_flowise")
"""What takes over Flowise's rows: it is not brought back to Flowise."""
