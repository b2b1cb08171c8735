"""An object's locks, for its own change page in the admin: `{% load lockhouse_locks %}{% lockhouse_locks original %}`."""

from typing import Any

from django import template
from django.db.models import Model
from django.urls import NoReverseMatch, reverse

from dashboard import snapshot as snapshots
from dashboard.web.look import look
from dashboard.web.panels.lock_row import lock_row
from dashboard.web.show import VIEW, may_of, now_utc

register = template.Library()


@register.inclusion_tag("lockhouse/components/object_locks.html", takes_context=True)
def lockhouse_locks(context: template.Context, about: Model | None) -> dict[str, Any]:
    """The held locks whose entry in LOCKS names this object's model and whose name has its primary key; nothing for those who may not look.

    Cost: one look at the newest snapshot; nothing is asked of the watched system.
    """
    request = context.get("request")
    if about is None or about.pk is None or request is None or not request.user.has_perm(VIEW):
        return {}
    try:
        url = reverse("lockhouse:locks")
    except NoReverseMatch:
        return {}
    seen = look(snapshots.newest(), now_utc())
    mine = [one for one in seen.judged if one.model.lower() == about._meta.label_lower and one.object_id == str(about.pk)]
    return {"url": url, "rows": [lock_row(one, seen, may_of(request)) for one in mine], "is_current": seen.is_current}
