"""Evidence as pages show it: the sentences of `words`, in which a run that is known is a link to its page."""

from collections.abc import Callable, Iterable
from datetime import datetime

from django.utils.html import format_html

from dashboard.records import Evidence
from dashboard.web.links import run_url
from dashboard.words import sentence, short_id


def linked(evidence: Iterable[Evidence], now: datetime, is_known: Callable[[str], bool]) -> list[str]:
    """Every fact in words, in the judge's order; `is_known` says it of a task id. What has a link is HTML, the rest text that is escaped where it is shown."""
    return [_linked(fact, sentence(fact, now), is_known) for fact in evidence]


def _linked(fact: Evidence, said: str, is_known: Callable[[str], bool]) -> str:
    task_id = fact.values.get("task_id")
    if not isinstance(task_id, str) or not task_id or not is_known(task_id):
        return said
    before, shown, after = said.partition(short_id(task_id))
    return format_html('{}<a href="{}">{}</a>{}', before, run_url(task_id), shown, after) if shown else said
