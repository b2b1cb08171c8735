"""What Django has as well, for what is the same on every page or stands in a hundred rows of one: `{% load lockhouse_quick %}`."""

from functools import lru_cache

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import get_language

register = template.Library()


@register.simple_tag
def lasting(name: str) -> SafeString:
    """That template, rendered without a context and once for each language and mount; anew each time while somebody works on templates."""
    make = _rendered.__wrapped__ if settings.DEBUG else _rendered
    return make(name, get_language(), get_script_prefix())


@lru_cache(maxsize=64)
def _rendered(name: str, _language: str | None, _prefix: str) -> SafeString:
    return render_to_string(name)


@register.filter
def upto(text: str, length: int) -> str:
    """As `truncatechars`, which looks at each character even where nothing is to be cut."""
    return text if len(text) <= length else Truncator(text).chars(length)
