"""A blueprint whose routes take and return pydantic models, and name the role that they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from http import HTTPStatus
from typing import IO, Any, TypeVar

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from werkzeug.wsgi import wrap_file

from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.errors import InvalidInput
from rider_core.web.access.needed_roles import needs
from rider_core.web.rest.problems import CONTENT_TYPE, NotJson

#: Of every route.
ROOT = "/api/v1"
#: Limit of a request's body, in bytes: most routes take short JSON objects.
MAX_BODY_BYTES = 64 * 1024

#: What every route may answer: the request is wrong, no password, another site's page, too large, no JSON, too many
#: requests, and Redis, the database or another process cannot be reached.
_PROBLEMS = (400, 401, 403, 413, 415, 429, 503)

_UNLIMITED = "rider_unlimited"

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Answer:
    """The answer of a view where the model alone does not say it.

    Attributes:
        body: None: no content.
        status: 0: that of the operation.
        headers: Additional ones.
    """

    body: Message | None
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Download:
    """The answer of a view that gives a file.

    Attributes:
        name: Of the file, in ASCII.
        content: It is closed when it was sent.
        size_bytes: Of the content.
    """

    name: str
    content: IO[bytes]
    size_bytes: int


@dataclass(frozen=True)
class Media:
    """The answer of a view that gives sound or a picture. Parts can be asked for (`Range`), as players of sound do."""

    data: bytes
    content_type: str


class RestBlueprint(APIBlueprint):
    """The routes of one kind of resource, below `/api/v1`."""

    def __init__(self, name: str, description: str) -> None:
        """
        Args:
            name: Of the resource, in the plural: also its path.
        """
        tag = Tag(name=name, description=description)
        super().__init__(f"api_{name.replace('-', '_')}", __name__, url_prefix=f"{ROOT}/{name}", abp_tags=[tag])
        self._body_limits: dict[str, int] = {}
        self.before_request(self._check_body)

    def operation(
        self,
        method: str,
        rule: str,
        role: Role | None,
        answer: type[Message] | None,
        *,
        status: int = 200,
        others: Mapping[int, type[Message]] | None = None,
        problems: tuple[int, ...] = (),
        max_body_bytes: int = MAX_BODY_BYTES,
        is_limited: bool = True,
        download: str = "",
        media: tuple[str, ...] = (),
    ) -> Callable[[View], View]:
        """Add a route.

        The view gets its path, query, header and body as models by these parameter names, and returns a model, None, or
        an `Answer`. Its docstring is the documentation.

        Args:
            method: GET, POST, PUT, PATCH or DELETE.
            rule: Below the blueprint's own path.
            role: Who may use it; None: everybody, before signing in, too.
            answer: Type of the body; None: there is none.
            status: Of the answer, where the view does not say another.
            others: Types of the bodies with other statuses.
            problems: Statuses of errors, apart from those that every route has.
            is_limited: The rate limits of changes count it.
            download: Content type of the file that the view returns as a `Download`; empty: it returns none.
            media: Content types of what the view returns as `Media`; empty: it returns none.
        """
        bodies = {status: answer, **(others or {})}
        responses: dict[int, Any] = {code: _described(code, body) for code, body in bodies.items()}
        responses |= {code: _PROBLEM | {"description": HTTPStatus(code).phrase} for code in {*_PROBLEMS, *problems}}
        if download:
            responses[status] = _content(status, download)
        if media:
            responses |= {code: _content(code, *media) for code in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT)}
        extensions: dict[str, Any] = {"x-rider-role": role.value} if role else {"x-rider-role": None, "security": []}
        add = getattr(super(), method.lower())(rule, responses=responses, openapi_extensions=extensions)

        def register(view: View) -> View:
            @wraps(view)
            def answering(**parameters: Any) -> Response:
                result = view(**parameters)
                if isinstance(result, Media):
                    return _media(result)
                return _file(result, download) if isinstance(result, Download) else _response(result, status)

            self._body_limits[f"{self.name}.{view.__name__}"] = max_body_bytes
            setattr(answering, _UNLIMITED, not is_limited)
            add(needs(role, answering))
            return view

        return register

    def _check_body(self) -> None:
        """Refuse a body that is too long, or no JSON, before it is decoded."""
        request.max_content_length = self._body_limits.get(request.endpoint or "", MAX_BODY_BYTES)
        if request.get_data():  # also of a request without a length
            if not request.is_json:
                raise NotJson(
                    f"the body is {request.mimetype[:40] or 'of no type'!r}, not JSON",
                    remedy="send Content-Type: application/json",
                )
            if not isinstance(request.get_json(), dict):  # flask-openapi3 would decode a string once more
                raise InvalidInput("the body is JSON, but no object")


def is_unlimited(view: Callable[..., Any]) -> bool:
    """Whether no rate limit counts this view."""
    return bool(getattr(view, _UNLIMITED, False))


_PROBLEM = {"content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def _described(status: int, body: type[Message] | None) -> Any:
    return body or {"description": HTTPStatus(status).phrase}


def _content(status: int, *content_types: str) -> Any:
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {"description": HTTPStatus(status).phrase, "content": dict.fromkeys(content_types, binary)}


def _file(file: Download, content_type: str) -> Response:
    response = Response(wrap_file(request.environ, file.content), content_type=content_type, direct_passthrough=True)
    response.content_length = file.size_bytes
    response.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response.call_on_close(file.content.close)
    return response


def _media(media: Media) -> Response:
    response = Response(media.data, content_type=media.content_type)
    response.make_conditional(request, accept_ranges=True, complete_length=len(media.data))
    return response


def _response(result: Message | Answer | None, status: int) -> Response:
    answer = result if isinstance(result, Answer) else Answer(result)
    body = b"" if answer.body is None else answer.body.model_dump_json().encode()
    response = Response(body, status=answer.status or status, content_type="application/json")
    if answer.body is None:
        del response.headers["Content-Type"]
    response.headers.update(answer.headers)
    return response
