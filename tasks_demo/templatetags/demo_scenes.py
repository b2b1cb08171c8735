"""Gives the Overview's strip its scenes."""

from collections.abc import Sequence

from django import template

from tasks_demo.scenes import SCENES, Scene

register = template.Library()


@register.simple_tag
def demo_scenes() -> Sequence[Scene]:
    """All scenes in the order of the strip."""
    return SCENES
