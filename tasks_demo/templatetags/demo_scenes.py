"""Gives the Overview's strip its scenes."""

from collections.abc import Sequence

from django import template

from tasks_demo.scenes import SCENES, Scene
from tasks_demo.views import is_read_only

register = template.Library()


@register.simple_tag
def demo_scenes() -> Sequence[Scene]:
    """All scenes in the order of the strip."""
    return SCENES


@register.simple_tag
def demo_read_only() -> bool:
    """Whether no scene may be played."""
    return is_read_only()
