"""Which role each route needs, and the check of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from flask import Flask, request

from rider_core.api.roles import Role
from rider_core.errors import RiderError
from rider_core.web.access.identity import identity_of

View = TypeVar("View", bound=Callable[..., Any])

_ATTRIBUTE = "rider_needed_role"
#: Methods that change nothing.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Forbidden(RiderError):
    """Who asks is known, and may not do this."""

    code = "forbidden"


class RouteRole(NamedTuple):
    """
    Attributes:
        role: None: everybody, without an identity too.
    """

    method: str
    path: str
    role: Role | None


def needs(role: Role | None, view: View) -> View:
    """Mark a view function with the role that its route needs; None: it is open to everybody."""
    setattr(view, _ATTRIBUTE, role)
    return view


def check_roles(app: Flask) -> None:
    """Refuse requests of those who may not do what their route does. Raises `Forbidden` in a request."""

    @app.before_request
    def check() -> None:
        if request.endpoint is None:  # there is no such route
            return
        needed = needed_role(app, request.endpoint, request.method)
        identity = identity_of(request.environ)
        if needed is not None and not identity.may(needed):
            has = f"has the role {identity.role.value!r}" if identity.role else "is nobody"
            raise Forbidden(
                f"this needs the role {needed.value!r}, and {identity.name or 'who asks'} {has}",
                remedy=f"ask an administrator: rider users role {identity.name or 'NAME'} {needed.value}",
            )


def needed_role(app: Flask, endpoint: str, method: str) -> Role | None:
    """The role of a route. Routes without a mark, such as a plugin's: reading is READ, everything else OPERATE."""
    view = app.view_functions[endpoint]
    if endpoint == "static":
        return None
    if hasattr(view, _ATTRIBUTE):
        role: Role | None = getattr(view, _ATTRIBUTE)
        return role
    return Role.READ if method in SAFE_METHODS else Role.OPERATE


def route_roles(app: Flask) -> list[RouteRole]:
    """Every route of the application with the role that it needs, by path."""
    found = [
        RouteRole(method, rule.rule, needed_role(app, rule.endpoint, method))
        for rule in app.url_map.iter_rules()
        for method in sorted(rule.methods or ())
        if method not in ("HEAD", "OPTIONS")
    ]
    return sorted(found, key=lambda route: (route.path, route.method))
