"""The panel: a page with the live state of all processes, and its HTTP API. `python -m rider_core.web` serves it.

Nothing is imported here: the entry must patch the standard library first where eventlet serves the panel.
"""
