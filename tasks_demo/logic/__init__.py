"""What the demo's tasks do, as plain functions that know nothing of Celery, locks or caches."""
