"""The API's description of itself: what every operation has in common is added here once, so that a new operation is whole by itself."""

from collections.abc import Iterator, Mapping
from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from dashboard.api.lock_schema import LOCK

ERROR = {
    "title": "Error",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string", "description": "What is wrong, in a sentence, in the caller's language."},
        "code": {"type": "string", "description": "The same for programs, where an act was refused: `already_gone`, `read_only`, …"},
    },
}
PARAMETERS = {
    "q": "Filter, as on the page: free words, and `field:value`; all of it must match.",
    "limit": "Rows at most.",
    "cursor": "`next_cursor` of the page before.",
    "Idempotency-Key": "Any text that names this attempt: sent again with it, the request answers with what came of the first one, and nothing is done twice.",
}
SECURITY = {
    "TokenAuth": "A token from `manage.py token USER`; it may do what its user may do.",
    "LoginAuth": "The pages' own session; acts need the CSRF token too.",
}
READ_ERRORS = {401: "Neither a token nor a session.", 403: "The user has not the permission."}
INPUT_ERROR = {422: "A parameter or the body is not as described."}
NOT_THERE = {404: "Nothing with this id is known."}
ACT_ERRORS = {
    409: "Refused: it is no longer as it was seen. Nothing was done.",
    429: "Refused: too many acts in a short time.",
    503: "What would be changed does not answer, or the record of the act cannot be written.",
}
ANSWER = {
    "as_of": {"type": ["string", "null"], "format": "date-time", "description": "When this was known; null: no observer has ever looked."},
    "unavailable": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "description": "By source, why it does not answer: what hangs on it is not known.",
    },
    "notes": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
        "description": "By source that answers, what of it is not seen all the same, or later, each with its fix.",
    },
}
ROWS = {"type": "array", "items": {"type": "object"}, "description": "Unknown is null, durations end in `_ms`, times are in UTC."}
SEARCHED = {
    "searched": {
        "type": "object",
        "additionalProperties": {"type": "object"},
        "description": "By cache that is still looked through: `looked_at` keys of `of`. What was not found there may be held.",
    },
    "note": {"type": ["string", "null"], "description": "What of the filter was not looked for, or not as it was meant."},
}
PAGED = {
    "total": {"type": "integer", "description": "How many match in all."},
    "next_cursor": {"type": ["string", "null"], "description": "Null: these were the last."},
}


class Api(NinjaAPI):
    """NinjaAPI, whose schema says of every operation how it is refused and which permission it needs."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """The schema with errors, permissions and descriptions of parameters."""
        schema = super().get_openapi_schema(**options)
        needed = dict(permissions(self))
        parts = schema.setdefault("components", {})
        parts.setdefault("schemas", {})["Error"] = ERROR
        for name, meaning in SECURITY.items():
            parts["securitySchemes"][name]["description"] = meaning
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                _complete(path, method, operation, needed.get(operation["operationId"], ""))
        return schema


def permissions(api: NinjaAPI) -> Iterator[tuple[str, str]]:
    """Each operation's id with the permission that it needs; empty for one that needs none."""
    for _prefix, router in api._routers:  # ninja has no public way
        for view in router.path_operations.values():
            for operation in view.operations:
                needed = {str(getattr(way, "permission", None) or "") for way in operation.auth_callbacks}
                yield operation.operation_id or api.get_openapi_operation_id(operation), needed.pop() if len(needed) == 1 else ""


def _complete(path: str, method: str, operation: dict[str, Any], permission: str) -> None:
    operation["description"] = f"{operation.get('description', '')}\n\nNeeds the permission `{permission}`.".strip()
    for parameter in operation.get("parameters", ()):
        parameter.setdefault("description", PARAMETERS.get(parameter["name"], ""))
        if parameter["in"] == "path":
            parameter["description"] = "The row's `id`."
    errors: Mapping[int, str] = READ_ERRORS
    if operation.get("parameters") or "requestBody" in operation:
        errors = {**errors, **INPUT_ERROR}
    if "{" in path:
        errors = {**errors, **NOT_THERE}
    if method != "get":
        errors = {**errors, **ACT_ERRORS}
    else:
        _say_answer(path, operation)
    responses = operation["responses"]
    for status, meaning in sorted(errors.items()):
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        responses.setdefault(status, {"description": meaning, "content": content})


def _say_answer(path: str, operation: dict[str, Any]) -> None:
    """What a list and what one row looks like from outside; where an operation says it itself, that stays."""
    answer = operation["responses"].get(200)
    if answer is None or "content" in answer:
        return
    noun = path.rstrip("/").rpartition("/")[2]
    properties: dict[str, Any] = {"lock": LOCK, **ANSWER} if path.endswith("/locks/{lock_id}") else dict(ANSWER)
    if "{" not in path:
        properties = {
            noun: {**ROWS, "items": LOCK} if noun == "locks" else ROWS,
            **ANSWER,
            **(SEARCHED if noun == "locks" else {}),
        }
        if any(parameter["name"] == "cursor" for parameter in operation.get("parameters", ())):
            properties |= PAGED
    answer["description"] = "What is known, and since when."
    answer["content"] = {"application/json": {"schema": {"type": "object", "required": ["as_of", "unavailable"], "properties": properties}}}
