"""The form of the Send page: from what was typed, or from an address or a schedule, to the fields that are shown and the message that is meant."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from dashboard.acts.fields import arguments_from, spread
from dashboard.acts.preflight import layout, signature_of
from dashboard.acts.refusals import Refused
from dashboard.acts.sending import arguments_of, checked, options_of, sending_of
from dashboard.records import Parameter, ScheduleReading, Sending, Signature, Snapshot
from dashboard.redaction import has_secret
from dashboard.words import spelled_out

OPTIONS = ("countdown", "eta", "expires", "priority", "result", "count")
FIELD = "p-"  # what the name of an argument's field begins with, so that it is no other field's
PAYLOADS, UNREDACTED = "lockhouse.view_payloads", "lockhouse.view_unredacted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One argument's field."""

    name: str
    shown: str
    annotation: str
    default: str
    is_required: bool
    hint: str  # what an unusual kind of parameter takes: "rest", "keywords", "keyword"
    value: str


@dataclass(frozen=True, kw_only=True)
class SendForm:
    """What the page shows; `mode` is "form" where each parameter has a field, "json", or "schedule" where the arguments stay as they are written."""

    given: Mapping[str, str]
    mode: str
    signature: Signature | None
    texts: Mapping[str, str] = field(default_factory=dict)  # by parameter
    schedule: ScheduleReading | None = None

    @cached_property
    def sending(self) -> Sending:
        """The message that is meant.  Raises: Refused, Malformed."""
        if self.mode != "form" or self.signature is None:
            return sending_of(self.given, layout())
        bare = sending_of({**self.given, "args": "", "kwargs": ""}, layout())
        args, kwargs = arguments_from(self.signature, self.texts)
        return checked(replace(bare, args=args, kwargs=kwargs), layout())

    @property
    def fields(self) -> list[Field]:
        """A field for each parameter, in its order."""
        if self.mode != "form" or self.signature is None:
            return []
        return [_field(one, self.texts.get(one.name, "")) for one in self.signature.parameters]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the confirmation carries: the message as JSON, or the schedule whose arguments it has."""
        sending = self.sending
        carried = {"task": sending.task, "queue": sending.queue, **options_of(sending)}
        if self.mode == "schedule" and self.schedule is not None:
            return [*carried.items(), ("schedule", self.schedule.id)]
        return [*carried.items(), ("mode", "json"), ("args", as_json(list(sending.args))), ("kwargs", as_json(sending.kwargs))]


def form_of(data: Mapping[str, str], snapshot: Snapshot, may: frozenset[str]) -> SendForm:
    """The form as its fields, an address or a confirmation fill it.  Raises: Refused for a schedule that is not known."""
    given = {name: data.get(name, "") for name in ("task", "queue", "args", "kwargs", *OPTIONS)}
    if schedule_id := data.get("schedule", ""):
        return _of_schedule(_schedule(snapshot, schedule_id), data, given, may)
    signature = signature_of(given["task"].strip())
    if signature is None or data.get("mode") == "json":
        return SendForm(given=_as_json_texts(given, data), mode="json", signature=signature)
    texts = {one.name: data.get(FIELD + one.name, "") for one in signature.parameters}
    if not any(texts.values()) and (given["args"].strip() or given["kwargs"].strip()):
        return _spread(given, signature)
    return SendForm(given=given, mode="form", signature=signature, texts=texts)


def as_json_form(form: SendForm) -> SendForm:
    """The same with its arguments as JSON; where they cannot be read, without them. Those of a schedule stay unseen."""
    if form.mode == "schedule":
        return form
    try:
        sending = form.sending
    except Refused:
        return replace(form, mode="json")
    return replace(form, mode="json", given={**form.given, "args": as_json(list(sending.args)), "kwargs": as_json(sending.kwargs)})


def as_json(value: Any) -> str:
    """As people write it."""
    return json.dumps(value, ensure_ascii=False)


def _spread(given: Mapping[str, str], signature: Signature) -> SendForm:
    """JSON put into the fields, where they take it."""
    try:
        texts = spread(signature, *arguments_of(given["args"], given["kwargs"]))
    except Refused:
        texts = None
    if texts is None:
        return SendForm(given=given, mode="json", signature=signature)
    return SendForm(given={**given, "args": "", "kwargs": ""}, mode="form", signature=signature, texts=texts)


def _as_json_texts(given: Mapping[str, str], data: Mapping[str, str]) -> Mapping[str, str]:
    """The JSON that was typed; a form that was switched has none, and shows an empty list and object."""
    return {**given, "args": given["args"] or ("" if "args" in data else "[]"), "kwargs": given["kwargs"] or ("" if "kwargs" in data else "{}")}


def _schedule(snapshot: Snapshot, schedule_id: str) -> ScheduleReading:
    found = next((one for one in snapshot.schedules if one.id == schedule_id), None)
    if found is None:
        raise Refused("schedule_not_known")
    if not found.can_be_sent:
        raise Refused("schedule_not_sendable")
    return found


def _of_schedule(schedule: ScheduleReading, data: Mapping[str, str], given: Mapping[str, str], may: frozenset[str]) -> SendForm:
    """An entry as it is written. Whoever may not see its arguments, or the secrets in them, sends them unseen and unchanged."""
    written = {"args": schedule.args, "kwargs": schedule.kwargs}
    filled = {**given, **written, "task": schedule.task, "queue": given["queue"] or schedule.queue or ""}
    if "queue" not in data:
        filled |= {name: schedule.options[name] for name in ("expires", "priority") if name in schedule.options}
    if not _may_see(schedule, may):
        return SendForm(given=filled, mode="schedule", signature=signature_of(schedule.task), schedule=schedule)
    signature = signature_of(schedule.task)
    form = _spread(filled, signature) if signature else SendForm(given=filled, mode="json", signature=None)
    return replace(form, schedule=schedule)


def _may_see(schedule: ScheduleReading, may: frozenset[str]) -> bool:
    if PAYLOADS not in may:
        return False
    return UNREDACTED in may or not (has_secret(schedule.args) or has_secret(schedule.kwargs))


def _field(one: Parameter, value: str) -> Field:
    return Field(
        name=FIELD + one.name,
        shown=one.name,
        annotation=spelled_out(one.annotation),
        default=spelled_out(one.default or ""),
        is_required=not one.has_default and one.kind not in {"rest", "keywords"},
        hint=one.kind if one.kind in {"rest", "keywords", "keyword"} else "",
        value=value,
    )


def names_of(snapshot: Snapshot) -> Sequence[tuple[str, int]]:
    """Every task that a living worker or this process knows, with how many workers know it."""
    counts: dict[str, int] = {}
    for worker in snapshot.workers:
        for name in worker.tasks or () if worker.said_offline_at is None else ():
            counts[name] = counts.get(name, 0) + 1
    return sorted(counts.items())
