"""The description of the API is whole, whatever operation is added."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from dashboard.api.app import api
from dashboard.api.openapi import permissions

SCHEMA = api.get_openapi_schema(path_prefix="/api/v1/")
OPERATIONS = [(f"{method} {path}", path, method, operation) for path, methods in SCHEMA["paths"].items() for method, operation in methods.items()]
ERRORS = {"get": {401, 403}, "post": {401, 403, 409, 429, 503}}


@pytest.mark.parametrize(("path", "method", "operation"), [one[1:] for one in OPERATIONS], ids=[one[0] for one in OPERATIONS])
def test_operation_is_described_with_its_permission_its_parameters_and_its_errors(path, method, operation):
    permission = dict(permissions(api))[operation["operationId"]]

    assert permission.startswith("lockhouse.")
    assert operation["summary"]
    assert operation["description"].endswith(f"Needs the permission `{permission}`.")
    assert len(operation["description"].splitlines()) >= 3, "what it does, in a sentence of its own"
    assert {"TokenAuth": []} in operation["security"]
    assert all(parameter["description"] for parameter in operation.get("parameters", ()) if parameter["name"] in {"q", "limit", "cursor", "Idempotency-Key"})
    assert set(operation["responses"]) >= ERRORS[method] | ({404, 422} if "{" in path else set())


def test_error_is_a_sentence_with_a_code():
    for _name, _path, _method, operation in OPERATIONS:
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert response["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}
    assert SCHEMA["components"]["schemas"]["Error"]["required"] == ["error"]


@pytest.mark.parametrize("noun", ["locks", "queues", "results", "runs", "overview"])
def test_lists_say_when_they_were_known_and_what_was_not(noun):
    answer = SCHEMA["paths"][f"/api/v1/{noun}"]["get"]["responses"][200]["content"]["application/json"]["schema"]["properties"]
    assert {noun, "as_of", "unavailable"} <= set(answer)


def test_ways_to_log_in_are_described():
    assert all(way["description"] for way in SCHEMA["components"]["securitySchemes"].values())


def test_schema_is_served_as_json(client):
    served = client.get("/api/v1/openapi.json")
    assert served.status_code == 200
    assert set(served.json()["paths"]) == set(SCHEMA["paths"])


def test_lock_is_described_with_its_evidence_and_its_holder():
    def answer(path):
        return SCHEMA["paths"][path]["get"]["responses"][200]["content"]["application/json"]["schema"]["properties"]

    listed, one = answer("/api/v1/locks")["locks"]["items"], answer("/api/v1/locks/{lock_id}")["lock"]

    assert listed == one
    assert set(listed["properties"]["evidence_facts"]["items"]["properties"]) == {"code", "values", "at", "age_ms"}
    assert {"candidates", "candidate_runs", "distance_ms"} <= set(listed["properties"]["holder"]["properties"])


def test_the_documentation_needs_no_other_host(watching, db):
    page = Client().get("/api/v1/docs").content.decode()
    openapi = Client().get("/api/v1/openapi.json").json()

    assert "http://" not in page
    assert "https://" not in page
    assert finders.find(re.search(r"static/(ninja/swagger-ui-bundle\.js)", page)[1])
    assert {"/api/v1/locks", "/api/v1/locks/{lock_id}", "/api/v1/locks/{lock_id}/release", "/api/v1/locks/release"} <= set(openapi["paths"])
