"""Turns any `DashboardError` into its status and message."""
