"""Starts the real components and the stand-ins of outside services, for the demo and the tests.

Run from the checkout with the development environment: ``python -m stack demo``.
"""
