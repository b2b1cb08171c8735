"""Runs in the users' workers: locks that say who holds them. Imports nothing else of ours, and no Django."""

from dashboard.locking.client import HolderRedis
from dashboard.locking.lock import HolderLock

__all__ = ["HolderLock", "HolderRedis"]
