"""The panel's page: templates, and the browser files that contrib/build/panel.py builds into static/. No code."""
