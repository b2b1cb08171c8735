"""Runs in the users' workers: locks that say who holds them. Imports nothing else of ours, and no Django."""

from .client import HolderRedis
from .lock import HolderLock

__all__ = ["HolderLock", "HolderRedis"]
