"""What can be wrong with the catalogue of locks (LOCKHOUSE["LOCKS"]), each with a hint; run with the other checks at start."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution

from dashboard.records import object_part

FIELDS: Mapping[str, type] = {"label": str, "owner": str, "blocks": str, "model": str, "release": bool}
EXAMPLE = 'LOCKS = {"lock_report_{data_id}": {"label": "report", "owner": "reports_prepare", "blocks": "reports for {object}", "model": "reports.Report"}}'
_PART = re.compile(r"\{([A-Za-z_]\w*)\}")


def catalogue_problems(catalogue: Any) -> Iterator[CheckMessage]:
    """Everything that is wrong with it."""
    if not isinstance(catalogue, Mapping):
        yield Error("LOCKHOUSE['LOCKS'] is not a dict of patterns.", hint=EXAMPLE, id="lockhouse.E020")
        return
    for pattern, entry in catalogue.items():
        if not isinstance(pattern, str) or not isinstance(entry, Mapping):
            yield Error(f"LOCKS has {pattern!r}, which is not a pattern with a dict.", hint=EXAMPLE, id="lockhouse.E021")
        else:
            yield from _pattern(pattern)
            yield from _fields(pattern, entry)


def _pattern(pattern: str) -> Iterator[CheckMessage]:
    """It is an allow-list for releasing, so it may not allow everything."""
    if not _PART.sub("", pattern).replace("*", "").strip():
        hint = "It is the allow-list for releasing: write what the names have in common, such as lock_report_{data_id}."
        yield Error(f"The pattern {pattern!r} of LOCKS fits every name.", hint=hint, id="lockhouse.E022")


def _fields(pattern: str, entry: Mapping[Any, Any]) -> Iterator[CheckMessage]:
    for name in sorted(map(str, set(entry) - set(FIELDS))):
        yield Error(f"{pattern!r} in LOCKS has an unknown {name!r}.", hint=f"Known ones: {', '.join(FIELDS)}.", id="lockhouse.E023")
    wrong = [name for name, kind in FIELDS.items() if name in entry and not isinstance(entry[name], kind)]
    for name in wrong:
        kind = "true or false" if FIELDS[name] is bool else "text"
        yield Error(f"{name!r} of {pattern!r} in LOCKS is {entry[name]!r}.", hint=f"It has to be {kind}.", id="lockhouse.E024")
    if not wrong:
        yield from _model(pattern, str(entry.get("model", "")))
        yield from _texts(pattern, entry)


def _model(pattern: str, model: str) -> Iterator[CheckMessage]:
    if not model:
        return
    if object_part(pattern) is None:
        hint = "One part of the name has to be the primary key: the only one, or the one called {pk} or {id}."
        yield Error(f"{pattern!r} in LOCKS names a model, and no part of the name is its key.", hint=hint, id="lockhouse.E025")
    if model.count(".") != 1 or not all(map(str.isidentifier, model.split("."))):
        yield Error(f"'model' of {pattern!r} in LOCKS is {model!r}.", hint='Write it as Django does: "reports.Report".', id="lockhouse.E026")
    elif not _may_be(model):
        hint = "Its locks are shown without a link to their object."
        yield Caution(f"{pattern!r} in LOCKS names {model}, and that app has no such model.", hint=hint, id="lockhouse.W004")


def _may_be(model: str) -> bool:
    """Whether there is such a model; of an app that is not installed nothing is known, for Lockhouse may stand beside the watched project."""
    label, _, name = model.partition(".")
    return label not in apps.app_configs or name.lower() in apps.all_models[label]


def _texts(pattern: str, entry: Mapping[Any, Any]) -> Iterator[CheckMessage]:
    """A part in a text that the name does not have would be shown as it is written."""
    known = {*_PART.findall(pattern), *(["object"] if entry.get("model") else [])}
    for name in ("label", "blocks"):
        for part in sorted(set(_PART.findall(str(entry.get(name, "")))) - known):
            hint = f"Parts of the name: {', '.join(sorted(known)) or 'none'}."
            yield Caution(f"{name!r} of {pattern!r} in LOCKS has {{{part}}}, which the name has not.", hint=hint, id="lockhouse.W005")
