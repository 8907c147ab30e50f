"""Models: which there are, where they come from and who needs them; downloads, verification and removal."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from rider_core.api.messages import Message
from rider_core.api.models import ModelEntry
from rider_core.api.roles import Role
from rider_core.catalogue import ModelState, ModelStatus
from rider_core.catalogue.registries import hosts_of, packages_of
from rider_core.errors import Conflict, NotFound, RiderError
from rider_core.runtime.services import Services
from rider_core.web.access import audit
from rider_core.web.model_operations import ModelOperation, ModelOperations, OperationKind
from rider_core.web.rest.blueprint import RestBlueprint
from rider_core.web.serving.native_threads import in_native_thread

MAX_NAME = 128
#: Identifiers of the SPDX list; its pages have the licences' texts.
_SPDX = re.compile(r"(?!LicenseRef-)[A-Za-z0-9][A-Za-z0-9.+-]{0,63}")


class ModelPath(Message):
    model: str = Field(max_length=MAX_NAME, description="the model's name")


class ModelSource(Message):
    hosts: tuple[str, ...] = Field(description="that it is fetched from")
    packages: tuple[str, ...] = Field(
        description="packages that its files are in, as `NAME VERSION`; empty: a plain file"
    )


class ModelProvider(Message):
    """A provider of the plugin that the model comes with, or one whose settings name the model."""

    name: str
    domain: str
    needs_it: bool = Field(description="its settings name this model")
    used: bool = Field(description="it is switched on, and used without being asked for by name")


class ModelView(Message):
    """A model of an installed plugin."""

    name: str
    description: str
    licence: str = Field(description="SPDX identifier")
    licence_url: str = Field(description="a page with its text; empty: none is known")
    filename: str
    size_bytes: int
    sha256: str
    plugin: str = Field(description="the plugin that it comes with")
    sources: tuple[ModelSource, ...] = Field(description="in the order in which they are tried")
    providers: tuple[ModelProvider, ...] = Field(description="those that can use it")
    state: Literal["missing", "partial", "installed", "damaged"] = Field(
        description="partial: a download was interrupted, and the next one continues it"
    )
    damage: str = Field(description="what is wrong with the file; empty: nothing is known to be")
    path: str = Field(description="the file; empty: there is none")
    local: bool = Field(description="the file is in a folder of the user's (RIDER_MODEL_PATH), and is not changed")
    partial_bytes: int = Field(description="size of what an unfinished download has fetched")
    verified_ts: float | None = Field(description="when the whole file was read last, and was right; None: unknown")
    operation: ModelOperation | None = Field(description="the download or verification that runs, or ended last")


class ModelsView(Message):
    models: tuple[ModelView, ...]
    folder: str = Field(description="where downloaded models are stored")
    free_bytes: int | None = Field(description="free space there; None: it cannot be read")


class RemovalQuery(Message):
    force: bool = Field(False, description="also where a provider that is used needs it")


class Removal(Message):
    freed_bytes: int


def models_blueprint(services: Services, operations: ModelOperations) -> RestBlueprint:
    """The routes."""
    models = RestBlueprint("models", "Files that engines need")

    @models.operation("GET", "", Role.READ, ModelsView)
    def list_models() -> ModelsView:
        """Every model that installed plugins know"""
        needs = _needs_of(services)
        entries = sorted(services.catalogue.entries(), key=lambda entry: entry.name)
        return ModelsView(
            models=tuple(_view(services, operations, entry, needs) for entry in entries),
            folder=str(services.catalogue.folder),
            free_bytes=_free_bytes(services),
        )

    @models.operation("GET", "/<model>", Role.READ, ModelView, problems=(404,))
    def show_model(path: ModelPath) -> ModelView:
        """One model"""
        return _view(services, operations, _entry(services, path.model), _needs_of(services))

    @models.operation("POST", "/<model>/download", Role.OPERATE, ModelView, status=202, problems=(404, 409))
    def download_model(path: ModelPath) -> ModelView:
        """Download a model

        Returns at once; `operation` tells the progress. An interrupted download is continued. Where it is running
        already, or the file is there, nothing more is done. Running workers use the model within seconds.
        """
        entry = _entry(services, path.model)
        status = services.catalogue.status(entry.name)
        if status.local and status.state is not ModelState.INSTALLED:
            raise Conflict(f"{status.path} is a file of your own, and {status.damage}", remedy="replace or remove it")
        running = operations.of(entry.name)
        if status.state is not ModelState.INSTALLED and not (running and running.is_active):
            services.catalogue.check_space(entry.name)
            operations.start(entry.name, OperationKind.DOWNLOAD)
        return _view(services, operations, entry, _needs_of(services))

    @models.operation("DELETE", "/<model>/download", Role.OPERATE, ModelView, problems=(404, 409))
    def cancel_download(path: ModelPath) -> ModelView:
        """Cancel a download or a verification; what was downloaded stays for the next one"""
        entry = _entry(services, path.model)
        if not operations.cancel(entry.name):
            raise Conflict(f"model {entry.name!r} is not being downloaded or verified")
        return _view(services, operations, entry, _needs_of(services))

    @models.operation("POST", "/<model>/verification", Role.OPERATE, ModelView, status=202, problems=(404, 409))
    def verify_model(path: ModelPath) -> ModelView:
        """Read a model's file and compare its checksum

        Returns at once; `operation` tells the progress.
        """
        entry = _entry(services, path.model)
        if services.catalogue.status(entry.name).path is None:
            raise Conflict(f"model {entry.name!r} is not installed", remedy="download it")
        operations.start(entry.name, OperationKind.VERIFICATION)
        return _view(services, operations, entry, _needs_of(services))

    @models.operation("DELETE", "/<model>", Role.ADMIN, Removal, problems=(404, 409))
    def remove_model(path: ModelPath, query: RemovalQuery) -> Removal:
        """Delete a model's file, and what an unfinished download has fetched

        A worker that has it in memory works on until its engine is opened again.
        """
        entry = _entry(services, path.model)
        view = _view(services, operations, entry, _needs_of(services))
        _check_removal(view, query.force)
        audit.changes({"state": view.state, "path": view.path}, {"force": query.force})
        status = services.catalogue.status(entry.name)
        in_native_thread(lambda: services.catalogue.remove(entry.name, wait=False))
        operations.forget(entry.name)
        services.announce_models()
        return Removal(freed_bytes=(0 if status.local else status.size_bytes) + status.partial_bytes)

    return models


def _check_removal(view: ModelView, force: bool) -> None:
    """Raise `Conflict` if the model cannot, or should not be removed."""
    if view.operation is not None and view.operation.is_active:
        raise Conflict(f"model {view.name!r} is being downloaded or verified", remedy="cancel that first")
    if view.state == "missing":
        raise Conflict(f"model {view.name!r} is not installed")
    if view.local and not view.partial_bytes:
        raise Conflict(f"model {view.name!r} is your own file {view.path}", remedy="delete it yourself")
    users = [it.name for it in view.providers if it.needs_it and it.used]
    if users and not force:
        raise Conflict(
            f"model {view.name!r} is needed by {', '.join(users)}",
            remedy="choose another model in its settings, switch it off, or send `force=true`",
        )


def _entry(services: Services, name: str) -> ModelEntry:
    for entry in services.catalogue.entries():
        if entry.name == name:
            return entry
    raise NotFound(f"there is no model {name!r}", remedy="GET /api/v1/models lists those that there are")


def _needs_of(services: Services) -> dict[str, tuple[str, ...]]:
    """Provider to the models that it needs with its settings."""
    needs = {}
    for name in services.plugins.registry.providers:
        try:
            needs[name] = services.required_models(name)
        except RiderError:  # the page of the providers says what is wrong with it
            needs[name] = ()
    return needs


def _view(
    services: Services, operations: ModelOperations, entry: ModelEntry, needs: dict[str, tuple[str, ...]]
) -> ModelView:
    registry, status = services.plugins.registry, services.catalogue.status(entry.name)
    plugin = registry.owner_of_model(entry.name)
    own = registry.names_of(plugin)
    users = [name for name in sorted(needs) if name in own or entry.name in needs[name]]
    return ModelView(
        name=entry.name,
        description=entry.description,
        licence=entry.licence,
        licence_url=f"https://spdx.org/licenses/{entry.licence}.html" if _SPDX.fullmatch(entry.licence) else "",
        filename=entry.filename,
        size_bytes=entry.size_bytes,
        sha256=entry.sha256,
        plugin=plugin,
        sources=tuple(ModelSource(hosts=hosts_of(source), packages=packages_of(source)) for source in entry.sources),
        providers=tuple(_provider(services, name, entry.name in needs[name]) for name in users),
        state=_state(status),
        damage=status.damage,
        path=str(status.path or ""),
        local=status.local,
        partial_bytes=status.partial_bytes,
        verified_ts=status.verified_ts,
        operation=operations.of(entry.name),
    )


def _state(status: ModelStatus) -> Literal["missing", "partial", "installed", "damaged"]:
    if status.state is ModelState.MISSING:
        return "partial" if status.partial_bytes else "missing"
    return "damaged" if status.state is ModelState.DAMAGED else "installed"


def _provider(services: Services, name: str, needs_it: bool) -> ModelProvider:
    domain = services.plugins.registry.domain_of(name)
    try:
        used = name in services.provider_names(domain)
    except RiderError:
        used = False
    return ModelProvider(name=name, domain=domain.domain, needs_it=needs_it, used=used)


def _free_bytes(services: Services) -> int | None:
    try:
        return services.catalogue.free_bytes()
    except OSError:
        return None
