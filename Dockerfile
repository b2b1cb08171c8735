# One image for every service of docker-compose.yml: the web process, the observer, and the demo's workers and beat.
FROM python:3.13-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 LOCKHOUSE_STATIC_ROOT=/app/var/static
WORKDIR /app

# Installed first, so that a change of the code alone does not install again.
COPY requirements.lock ./
COPY config/__init__.py config/
COPY config/tooling config/tooling
RUN python -m config.tooling.runtime_lock > runtime.lock \
 && pip install --no-cache-dir --require-hashes -r runtime.lock

COPY manage.py ./
COPY config config
COPY dashboard dashboard
COPY static static
COPY tasks_demo tasks_demo
COPY templates templates

# `var` holds the collected static files and what the demo writes; nothing else is the user's.
RUN useradd --system --no-create-home lockhouse \
 && mkdir var \
 && DJANGO_SECRET_KEY=only-to-collect python manage.py collectstatic --noinput \
 && chown -R lockhouse var
USER lockhouse

EXPOSE 8000
CMD ["python", "manage.py", "up", "--host", "0.0.0.0"]
