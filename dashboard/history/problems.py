"""Why the history's database did not do what it was asked, in words."""

from django.db import DatabaseError, InterfaceError

AWAY = (DatabaseError, InterfaceError)
NOT_MIGRATED = "has no tables: run manage.py migrate"


def reason_of(error: Exception) -> str:
    """The rest of a sentence that begins with what was asked."""
    said = str(error)
    if "no such table" in said or "does not exist" in said:
        return NOT_MIGRATED
    return f"does not answer: {said.splitlines()[0] if said else type(error).__name__}"
