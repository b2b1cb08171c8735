"""Refusals before anything was tried: each has a code, a status and a sentence. The watched system is as it was."""

from typing import Any

from dashboard.acts.send_words import UNREADABLE as SEND_UNREADABLE
from dashboard.acts.words import refusal
from dashboard.exceptions import ActRefused

STATUS = {
    "plan_forged": 400,
    "read_only": 403,
    "forbidden": 403,
    "plan_of_another": 403,
    "not_known": 404,
    "act_not_known": 404,
    "schedule_not_known": 404,
    "trace_not_known": 404,
    "result_not_known": 404,
    "result_gone": 404,
    "reason_missing": 422,
    "nothing_picked": 422,
    "span_odd": 422,
    "too_many_picked": 422,
    **dict.fromkeys(SEND_UNREADABLE, 422),
    "send_too_large": 413,
    "name_differs": 422,
    "too_many": 429,
    "too_many_messages": 429,
    "too_many_messages_of_all": 429,
    "record_failed": 503,
}
CONFLICT = 409  # every other one


class Refused(ActRefused):
    """An act that was not begun; the text is in the reader's language, `code` is for programs."""

    def __init__(self, code: str, **values: Any) -> None:
        self.code = code
        self.status = STATUS.get(code, CONFLICT)
        super().__init__(refusal(code, values))
