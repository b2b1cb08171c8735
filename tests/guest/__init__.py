"""A Celery system that knows nothing of Lockhouse: what the dashboard is pointed at in tests."""
