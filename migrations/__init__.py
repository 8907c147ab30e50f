"""Alembic migrations. They travel in the wheel as `rider_core._migrations`; `rider db upgrade` runs them.

A new one, from the repository's root: `alembic revision --autogenerate -m "what changes"`.
"""
