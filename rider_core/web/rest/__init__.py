"""The panel's HTTP interface for programs, and for its own page: JSON under `/api/v1`, described in OpenAPI 3.1.

One file for each kind of resource. See docs/decisions/0039-rest-interface.md.
"""
