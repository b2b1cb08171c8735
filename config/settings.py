"""Django's settings of the stand-alone project: everything comes from the environment; `checks.py` judges it at start."""

import json
import os
import secrets
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import environ

from dashboard.redis_urls import for_layer

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DEBUG = env.bool("DJANGO_DEBUG", default=False)
DEMO = env.bool("LOCKHOUSE_DEMO", default=False)
# Commands that only read work without a key; `up`, the ASGI application and `check --deploy` refuse to start (checks.py).
SECRET_KEY_GIVEN = bool(env.str("DJANGO_SECRET_KEY", default=""))
SECRET_KEY = env.str("DJANGO_SECRET_KEY", default="") or secrets.token_urlsafe(50)
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.list("DJANGO_ALLOWED_HOSTS", default=LOCAL_HOSTS)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# Ninja's files, not its app: as one, workers and observer would import it and pydantic with it, a fifth of what their start costs.
_ninja = find_spec("ninja")
NINJA_DIR = Path(_ninja.origin if _ninja and _ninja.origin else BASE_DIR).parent

INSTALLED_APPS = [
    "dashboard.apps.LockhouseConfig",
    *(["tasks_demo.apps.TasksDemoConfig"] if DEMO else []),
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_htmx",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dashboard.middleware.DashboardMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [*([BASE_DIR / "tasks_demo" / "templates"] if DEMO else []), BASE_DIR / "templates", NINJA_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATICFILES_DIRS = [BASE_DIR / "static", NINJA_DIR / "static"]
STATIC_URL = "static/"
STATIC_ROOT = env.str("LOCKHOUSE_STATIC_ROOT", default=str(BASE_DIR / "var" / "static"))
WHITENOISE_USE_FINDERS = True  # what was not collected is served all the same, so an empty STATIC_ROOT is no fault
warnings.filterwarnings("ignore", message="No directory at", category=UserWarning)
# WhiteNoise sends its files by a plain iterator: Django reads the whole first, which for files of some kilobytes is no fault either.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
WHITENOISE_MAX_AGE = 0 if DEBUG else 3600

DATABASES: dict[str, Any] = {"default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'lockhouse.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # With Django's defaults 35 of 40 transactions failed beside a batching writer; with these, none. 4,000 pages are 16 MB: with a quarter of that the
    # history's indexes are copied from the log so often that a row costs a fifth more.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=4000",
    }
elif DATABASES["default"]["ENGINE"].endswith("postgresql"):
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)  # one that is cut off must not hold up the observer
# A connection lives as long as this, for requests are answered in threads that are kept (threads.py); one that broke meanwhile is noticed before it is used.
DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
DATABASES["default"].setdefault("CONN_HEALTH_CHECKS", True)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Never a watched cache: `cache.clear()` is FLUSHDB.
CACHES: dict[str, Any] = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="redis://127.0.0.1:6379/0")


def watched_caches() -> dict[str, Any]:
    """The caches to watch, as Django's CACHES: LOCKHOUSE_CACHES (JSON) for several, CACHE_URL for one."""
    if several := env.str("LOCKHOUSE_CACHES", default=""):
        return dict(json.loads(several))
    if "CACHE_URL" in os.environ:
        return {"default": env.cache("CACHE_URL")}
    return {}


LOCKHOUSE: dict[str, Any] = {
    "NAME": env.str("LOCKHOUSE_NAME", default="celery"),
    "KIND": env.str("LOCKHOUSE_KIND", default=""),
    "BROKER_URL": CELERY_BROKER_URL,
    "BROKER_TRANSPORT_OPTIONS": env.json("LOCKHOUSE_BROKER_TRANSPORT_OPTIONS", default={}),
    "CACHES": watched_caches(),
    "REDIS_URL": env.str("LOCKHOUSE_REDIS_URL", default=""),
    "LOCKS": env.json("LOCKHOUSE_LOCKS", default={}),
    "RESULTS": env.json("LOCKHOUSE_RESULTS", default={}),
    "RESULT_BACKEND": env.str("LOCKHOUSE_RESULT_BACKEND", default=""),
    "QUEUES": env.list("LOCKHOUSE_QUEUES", default=[]),
    "READ_ONLY": env.bool("LOCKHOUSE_READ_ONLY", default=True),
    "INSPECT": env.bool("LOCKHOUSE_INSPECT", default=True),
    "SCAN": env.bool("LOCKHOUSE_SCAN", default=True),
    "METRICS_ALLOW": env.list("LOCKHOUSE_METRICS_ALLOW", default=[]),
    "SEND_LIMIT": env.int("LOCKHOUSE_SEND_LIMIT", default=200),
    "SEND_LIMIT_ALL": env.int("LOCKHOUSE_SEND_LIMIT_ALL", default=2000),
    "EVENT_BUFFER_BYTES": env.int("LOCKHOUSE_EVENT_BUFFER_BYTES", default=16_000_000),
    "MAX_RUNS": env.int("LOCKHOUSE_MAX_RUNS", default=20_000),
    "HISTORY_DAYS": env.int("LOCKHOUSE_HISTORY_DAYS", default=30),
    "HISTORY_ROWS": env.int("LOCKHOUSE_HISTORY_ROWS", default=1_000_000),
    "GRACE": env.int("LOCKHOUSE_GRACE", default=10),
}
if patterns := env.list("LOCKHOUSE_LOCK_PATTERNS", default=[]):
    LOCKHOUSE["LOCK_PATTERNS"] = patterns
if result_patterns := env.list("LOCKHOUSE_RESULT_PATTERNS", default=[]):
    LOCKHOUSE["RESULT_PATTERNS"] = result_patterns
if DEMO:
    from tasks_demo.settings import demo_settings

    globals().update(demo_settings(LOCKHOUSE, CACHES))

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            # Named, so that the observer does not take it for a worker's; checked, so that one that hangs is given up.
            "hosts": [
                {
                    **for_layer(LOCKHOUSE["REDIS_URL"] or LOCKHOUSE["BROKER_URL"], LOCKHOUSE["BROKER_TRANSPORT_OPTIONS"]),
                    "client_name": "lockhouse-layer",
                    "socket_connect_timeout": 2,
                }
            ],
            "prefix": f"lockhouse:{LOCKHOUSE['NAME']}",
        },
    }
}

LOGIN_URL = "lockhouse:login"
LOGIN_REDIRECT_URL = "lockhouse:overview"
LOGOUT_REDIRECT_URL = "lockhouse:login"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Under a name of its own it is served by TLS; on this machine alone it is not, and a browser or a script would drop the cookies.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("LOCKHOUSE_SECURE_COOKIES", default=not set(ALLOWED_HOSTS) <= set(LOCAL_HOSTS))
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("LOCKHOUSE_BEHIND_PROXY", default=False) else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
    }
}
AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}}]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOCKHOUSE_LOG_LEVEL", default="INFO")},
}
