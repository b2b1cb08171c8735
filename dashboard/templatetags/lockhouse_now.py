"""What the admin's index shows of Lockhouse."""

from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse

from dashboard import snapshot as snapshots
from dashboard.conf import conf
from dashboard.web.instants import maybe
from dashboard.web.look import look
from dashboard.web.navigation import links
from dashboard.web.show import VIEW, may_of, now_utc
from dashboard.words import visible

register = template.Library()


@register.inclusion_tag("lockhouse/components/admin_block.html", takes_context=True)
def lockhouse_now(context: template.Context) -> dict[str, Any]:
    """How many there are of everything and what needs attention; nothing for those who may not look, or where our pages are not mounted."""
    request = context.get("request")
    if request is None or not request.user.has_perm(VIEW):
        return {}
    try:
        url = reverse("lockhouse:overview")
    except NoReverseMatch:
        return {}
    now = now_utc()
    seen = look(snapshots.newest(), now)
    return {
        "url": url,
        "name": visible(conf().NAME),
        "links": [link for link in links(seen, "", may_of(request)) if link.count is not None or link.attention],
        "attention": len(seen.concerns),
        "is_current": seen.is_current,
        "read": maybe(seen.snapshot.at, now),
    }
