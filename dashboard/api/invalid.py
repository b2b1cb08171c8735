"""What is wrong with a parameter or a body, in a sentence; what was sent is not sent back."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

PLACES = frozenset({"query", "path", "header", "cookie", "form", "body"})  # where ninja says that it looked
WHOLE = gettext_lazy("%(name)s is a whole number")
SAID: Mapping[str, str | Promise] = {  # by pydantic's own code
    "int_parsing": WHOLE,
    "int_parsing_size": WHOLE,
    "int_type": WHOLE,
    "int_from_float": WHOLE,
    "bool_parsing": gettext_lazy("%(name)s is true or false"),
    "bool_type": gettext_lazy("%(name)s is true or false"),
    "string_type": gettext_lazy("%(name)s is a text"),
    "missing": gettext_lazy("%(name)s is missing"),
    "greater_than_equal": gettext_lazy("%(name)s is %(ge)s at least"),
    "less_than_equal": gettext_lazy("%(name)s is %(le)s at most"),
    "string_too_long": gettext_lazy("%(name)s has %(max_length)s characters at most"),
    "string_too_short": gettext_lazy("%(name)s has %(min_length)s characters at least"),
}


def wrong(error: Mapping[str, Any]) -> str:
    """One error of pydantic's as people say it."""
    where = [str(part) for part in error["loc"]]
    name = ".".join(where[1:] if len(where) > 1 and where[0] in PLACES else where)
    said = SAID.get(error["type"])
    return str(said) % {"name": name, **error.get("ctx", {})} if said else _("%(name)s: %(what)s") % {"name": name, "what": error["msg"]}
