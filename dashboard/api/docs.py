"""The page at /api/v1/docs: Swagger UI from our own static files, or a plain list where a host project does not serve ninja's."""

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import ABS_TPL_PATH, DocsBase, Swagger


class OwnSwagger(Swagger):
    """With the files of this site where ninja would ask a CDN because it is no app of the project."""

    template_cdn = str(ABS_TPL_PATH / "swagger.html")


class Docs(DocsBase):
    """Never from a CDN, which our content security policy forbids."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: object) -> HttpResponse:
        """What the API can do."""
        if finders.find("ninja/swagger-ui-bundle.js"):
            return OwnSwagger().render_page(request, api, **kwargs)
        operations = [
            {"method": method.upper(), "path": path, "summary": operation.get("summary", "")}
            for path, methods in api.get_openapi_schema()["paths"].items()
            for method, operation in methods.items()
        ]
        context = {"api": api, "operations": operations, "openapi_url": self.get_openapi_url(api, {})}
        return render(request, "lockhouse/acts/api.html", context)
