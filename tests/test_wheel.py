"""The wheel: templates and static files travel inside the package, and it works in a project that is not this one."""

import sys
import zipfile
from pathlib import Path

import pytest

from tests.lock_wheel.venvs import ROOT, run

# A project as small as the README tells: its own users, Lockhouse below /lockhouse/.
FRESH_PROJECT = {
    "manage.py": """
        import os, sys
        from django.core.management import execute_from_command_line
        os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
        execute_from_command_line(sys.argv)
    """,
    "shop/__init__.py": "",
    "shop/settings.py": """
        import os
        from pathlib import Path
        BASE_DIR = Path(__file__).resolve().parent.parent
        SECRET_KEY = "a-key-of-the-shop-that-is-long-enough-to-be-one"
        ALLOWED_HOSTS = ["testserver", "localhost"]
        INSTALLED_APPS = [
            "dashboard.apps.LockhouseConfig", "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
            "django.contrib.messages", "django.contrib.staticfiles", "channels", "django_htmx",
        ]
        MIDDLEWARE = [
            "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware",
            "django_htmx.middleware.HtmxMiddleware", "dashboard.middleware.DashboardMiddleware",
        ]
        ROOT_URLCONF = "shop.urls"
        ASGI_APPLICATION = "shop.asgi.application"
        TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": [
            "django.template.context_processors.request", "django.contrib.auth.context_processors.auth", "django.contrib.messages.context_processors.messages",
        ]}}]
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "shop.sqlite3"}}
        CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [os.environ["BROKER"]]}}}
        STATIC_URL = "static/"
        STATIC_ROOT = BASE_DIR / "static"
        USE_TZ = True
        LOCKHOUSE = {"NAME": "shop-production", "BROKER_URL": os.environ["BROKER"]}
    """,
    "shop/urls.py": """
        from django.contrib import admin
        from django.urls import include, path
        urlpatterns = [path("admin/", admin.site.urls), path("lockhouse/", include("dashboard.web.urls"))]
    """,
    "shop/asgi.py": """
        import os
        from channels.routing import ProtocolTypeRouter
        from django.core.asgi import get_asgi_application
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
        http = get_asgi_application()
        from dashboard.web.sockets import websocket_application
        application = ProtocolTypeRouter({"http": http, "websocket": websocket_application})
    """,
}
GET_LOGIN_PAGE = """
import re
from django.test import Client
from django.urls import reverse
url = reverse("lockhouse:login")
page = Client().get(url)
print(url, page.status_code, "shop-production" in page.content.decode())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The path of the wheel, built without the network from what is committed or about to be."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, ROOT, cwd=folder)
    return next(folder.glob("lockhouse-*.whl"))


@pytest.fixture(scope="module")
def fresh_project(wheel, tmp_path_factory):
    """A folder with manage.py and the wheel's packages, this repository out of reach."""
    folder = tmp_path_factory.mktemp("shop")
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", folder, wheel, cwd=folder)
    for name, text in FRESH_PROJECT.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(line.removeprefix(" " * 8) for line in text.splitlines()))
    return folder


def test_wheel_carries_templates_static_files_and_migrations_inside_the_package(wheel):
    names = zipfile.ZipFile(wheel).namelist()

    assert "dashboard/templates/lockhouse/base.html" in names
    assert any(name.startswith("dashboard/static/lockhouse/") and name.endswith(".css") for name in names)
    assert any(name.startswith("dashboard/migrations/0001_") for name in names)


def test_wheel_carries_every_template_and_static_file_there_is(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())

    for folder in ("templates", "static"):
        there = {str(path.relative_to(ROOT)) for path in (ROOT / folder / "lockhouse").rglob("*") if path.is_file()}
        assert {f"dashboard/{name}" for name in there} <= names


def test_wheel_leaves_the_demo_the_settings_and_the_tests_at_home(wheel):
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"dashboard"}


def test_wheel_works_in_a_fresh_project(fresh_project, server_url):
    assert "no issues" in manage(fresh_project, server_url, "check", "--fail-level", "WARNING")
    assert "lockhouse" in manage(fresh_project, server_url, "migrate", "--verbosity", "1")
    assert manage(fresh_project, server_url, "shell", "--verbosity", "0", "--command", GET_LOGIN_PAGE).split() == ["/lockhouse/login/", "200", "True"]
    assert "static file" in manage(fresh_project, server_url, "collectstatic", "--noinput")
    assert (fresh_project / "static" / "lockhouse").is_dir()


def test_fresh_project_reads_templates_from_the_wheel(fresh_project, server_url):
    ask = "from django.template.loader import get_template; print(get_template('lockhouse/base.html').origin.name)"

    origin = manage(fresh_project, server_url, "shell", "--verbosity", "0", "--command", ask).strip()

    assert Path(origin) == fresh_project / "dashboard" / "templates" / "lockhouse" / "base.html"


def manage(project, server_url, *words):
    return run(sys.executable, "manage.py", *words, cwd=project, BROKER=f"{server_url}/0")
