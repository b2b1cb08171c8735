"""What a task takes, where the project's own app has it registered in this process. Looks only: nothing is imported for it."""

import inspect
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from dashboard.records import Parameter, ParameterKind, Signature
from dashboard.sources.own_app import BUILT_IN, own_app

MAX_SHOWN = 200  # characters of a default or an annotation
KINDS: Mapping[Any, ParameterKind] = {
    inspect.Parameter.POSITIONAL_ONLY: "positional",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "either",
    inspect.Parameter.KEYWORD_ONLY: "keyword",
    inspect.Parameter.VAR_POSITIONAL: "rest",
    inspect.Parameter.VAR_KEYWORD: "keywords",
}


def registered_names() -> list[str]:
    """The names of the tasks that this process could run itself; none beside a foreign system."""
    return sorted(name for name in _tasks() if not name.startswith(BUILT_IN))


def signature_of(name: str) -> Signature | None:
    """What the task of that name takes; None where this process does not know it, or cannot tell."""
    run = getattr(_tasks().get(name), "run", None)
    if name.startswith(BUILT_IN) or not callable(run):
        return None
    found = _signature(run)
    return Signature(parameters=tuple(map(_parameter, found.parameters.values()))) if found is not None else None


def _tasks() -> Mapping[str, Any]:
    """By name, those that the app has so far; Celery's own among them, which nobody sends by hand."""
    app = own_app()
    return app.tasks if app is not None else {}


def _signature(run: Callable[..., Any]) -> inspect.Signature | None:
    """Annotations as they are written, where Python can give them so: evaluating them may need names that exist for type checkers alone."""
    options: dict[str, Any] = {}
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        options = {"annotation_format": Format.STRING}
    try:
        return inspect.signature(run, **options)
    except (TypeError, ValueError):  # of a function that is not written in Python
        return None


def _parameter(given: inspect.Parameter) -> Parameter:
    has_default = given.default is not given.empty
    return Parameter(
        name=given.name,
        kind=KINDS[given.kind],
        has_default=has_default,
        default=_as_json(given.default) if has_default else None,
        annotation=_annotation(given)[:MAX_SHOWN],
    )


def _annotation(given: inspect.Parameter) -> str:
    if given.annotation is given.empty:
        return ""
    return given.annotation if isinstance(given.annotation, str) else inspect.formatannotation(given.annotation)


def _as_json(default: object) -> str | None:
    """A plain default as JSON; what is more than that is not looked into, for its own code would run."""
    if default is not None and type(default) not in {str, int, float, bool}:
        return None
    text = json.dumps(default, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else None
