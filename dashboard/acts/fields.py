"""A task's arguments as a form has them, one text for each parameter: read into args and kwargs, and spread into texts. No I/O."""

import json
from collections.abc import Mapping
from typing import Any

from dashboard.acts.json_text import Malformed, parse
from dashboard.acts.refusals import Refused
from dashboard.records import Parameter, Signature

TEXTS = {"str", "str | None", "None | str", "Optional[str]", "typing.Optional[str]", "Union[str, None]", "typing.Union[str, None]"}


def arguments_from(signature: Signature, texts: Mapping[str, str]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What these texts mean; an empty one is an argument that is not given.  Raises: Refused, Malformed.

    By position goes what stands before the first that is left out and has no default; all else by name, as callers write it.
    """
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    is_whole = True  # everything before was given by position
    for one in signature.parameters:
        text = texts.get(one.name, "")
        if not text.strip():
            is_whole = is_whole and one.kind in {"rest", "keyword", "keywords"}
            continue
        value = _value(one, text)
        if one.kind == "rest":
            args += _list(value)
        elif one.kind == "keywords":
            kwargs |= _object(value)
        elif one.kind == "positional" or (one.kind == "either" and is_whole and not one.has_default):
            args.append(value)
        else:
            kwargs[one.name] = value
    return tuple(args), kwargs


def _value(one: Parameter, text: str) -> Any:
    """JSON; a text needs no quotes where nothing else can be meant."""
    is_text = one.annotation in TEXTS
    if is_text and not (text.startswith('"') and text.rstrip().endswith('"')):
        return _whole(text, one.name)
    try:
        return parse(text, one.name)
    except Malformed as error:
        if error.code == "send_not_json" and (is_text or not one.annotation) and one.kind not in {"rest", "keywords"}:
            return _whole(text, one.name)
        raise


def _whole(text: str, what: str) -> Any:
    return parse(json.dumps(text), what)  # what no message can carry is refused there


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Refused("send_args_no_list")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused("send_kwargs_no_object")
    return value


def spread(signature: Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, str] | None:
    """A text for each argument; None where the parameters do not take them, which only JSON can show."""
    left, named, texts = list(args), dict(kwargs), dict[str, str]()
    for one in signature.parameters:
        if one.kind in {"positional", "either"} and left:
            texts[one.name] = _text(one, left.pop(0))
        elif one.kind == "rest" and left:
            texts[one.name], left = json.dumps(left, ensure_ascii=False), []
        elif one.kind in {"either", "keyword"} and one.name in named:
            texts[one.name] = _text(one, named.pop(one.name))
        elif one.kind == "keywords" and named:
            texts[one.name], named = json.dumps(named, ensure_ascii=False), {}
    return None if left or named else texts


def _text(one: Parameter, value: Any) -> str:
    is_plain = isinstance(value, str) and one.annotation in TEXTS and value.strip() == value and value and not value.startswith('"')
    return str(value) if is_plain else json.dumps(value, ensure_ascii=False)
