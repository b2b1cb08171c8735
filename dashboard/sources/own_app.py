"""The Celery app of the project that this process belongs to: what its router and its task modules know. Beside a foreign system there is none."""

from collections.abc import Iterator, Mapping
from typing import Any

from celery import Celery, _state

from dashboard.connections import is_broker
from dashboard.exceptions import SourceUnavailable

SOURCE = "app"
BUILT_IN = "celery."
GLOB_SIGNS = frozenset("*?[")


def own_app() -> Celery | None:
    """The project's app, where it speaks to the watched broker; None where there is none, or more than one that could be meant.

    Source: `celery._state`; the public `current_app` belongs to one thread, and makes an app on amqp://localhost where there is none.
    """
    made: Any = _state
    apps = [app for app in made._get_active_apps() if app.set_as_current and _is_watched(app)]  # not so our own, and the one that Celery makes itself
    default = made.default_app
    return default if default in apps else apps[0] if len(apps) == 1 else None


def _is_watched(app: Celery) -> bool:
    return is_broker(str(app.conf.broker_url or ""))


def names_of(app: Celery) -> dict[str, str | None]:
    """Every task name that the app has registered or routes, with the queue that its router sends it to; None: it does not say.

    Imports the project's task modules, as its workers do.  Raises: SourceUnavailable where they cannot be imported.
    """
    try:
        app.loader.import_default_modules()
        app.finalize()  # tasks of the project are made only now, and may raise as well
    except Exception as error:
        raise SourceUnavailable(SOURCE, f"its task modules cannot be imported: {type(error).__name__}: {error}") from error
    names: dict[str, str | None] = {name: None for name in app.tasks if not name.startswith(BUILT_IN)}
    for routes in _tables(app.conf.task_routes):
        names |= {name: _queue(route) for name, route in routes.items() if isinstance(name, str) and not GLOB_SIGNS & set(name)}
    return names


def _tables(routes: Any) -> Iterator[Mapping[Any, Any]]:
    """`task_routes` is a dict, or several of them among functions; a function cannot be asked which names it knows."""
    for one in routes if isinstance(routes, (list, tuple)) else [routes]:
        if isinstance(one, Mapping):
            yield one
        elif isinstance(one, (list, tuple)):
            yield {pair[0]: pair[1] for pair in one if isinstance(pair, (list, tuple)) and len(pair) == 2}


def _queue(route: Any) -> str | None:
    queue = route.get("queue") if isinstance(route, Mapping) else route
    name = getattr(queue, "name", queue)
    return name if isinstance(name, str) else None
