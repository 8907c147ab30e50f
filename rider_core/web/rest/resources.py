"""All resources of the REST interface."""

from __future__ import annotations

from functools import partial

from rider_core.database.outages import read_outages
from rider_core.jobs.schedules import ScheduleStore
from rider_core.runtime.robot_client import RobotClient
from rider_core.runtime.robot_telemetry import last_telemetry
from rider_core.runtime.services import Services
from rider_core.web.access.access_control import AccessControl
from rider_core.web.access.audit import Audit
from rider_core.web.kept_jobs import JobKeeper
from rider_core.web.model_operations import ModelOperations
from rider_core.web.panel_state import PanelState
from rider_core.web.rest.audit import audit_blueprint
from rider_core.web.rest.backups import backups_blueprint
from rider_core.web.rest.blueprint import RestBlueprint
from rider_core.web.rest.dead_letters import dead_letters_blueprint
from rider_core.web.rest.history import history_blueprint
from rider_core.web.rest.jobs import batches_blueprint, jobs_blueprint
from rider_core.web.rest.logs import logs_blueprint
from rider_core.web.rest.models import models_blueprint
from rider_core.web.rest.plugins import plugins_blueprint
from rider_core.web.rest.prompts import prompts_blueprint
from rider_core.web.rest.providers import providers_blueprint
from rider_core.web.rest.queues import queues_blueprint
from rider_core.web.rest.robots import robots_blueprint
from rider_core.web.rest.schedules import due_times_blueprint, schedules_blueprint
from rider_core.web.rest.session import session_blueprint
from rider_core.web.rest.settings import settings_blueprint
from rider_core.web.rest.status import status_blueprint
from rider_core.web.rest.support import support_blueprint
from rider_core.web.rest.tasks import tasks_blueprint
from rider_core.web.rest.users import tokens_blueprint, users_blueprint


def rest_blueprints(
    services: Services,
    panel_state: PanelState,
    access: AccessControl,
    audit: Audit,
    models: ModelOperations,
    keeper: JobKeeper,
) -> list[RestBlueprint]:
    """The blueprints, in the order of the document."""
    return [
        status_blueprint(panel_state),
        robots_blueprint(
            RobotClient(services.redis, services.settings.link_socket),
            partial(last_telemetry, services.redis),
            partial(read_outages, services.settings.database_location),
        ),
        jobs_blueprint(services.backend, keeper),
        batches_blueprint(services.backend),
        dead_letters_blueprint(services.backend, keeper),
        tasks_blueprint(),
        queues_blueprint(services.backend),
        schedules_blueprint(ScheduleStore(services.redis), services.backend),
        due_times_blueprint(),
        providers_blueprint(services),
        models_blueprint(services, models),
        prompts_blueprint(services),
        plugins_blueprint(services, access),
        settings_blueprint(services),
        logs_blueprint(services),
        history_blueprint(services),
        session_blueprint(access),
        users_blueprint(services, access.authenticator.accounts),
        tokens_blueprint(services, access.authenticator.accounts),
        audit_blueprint(audit),
        backups_blueprint(services),
        support_blueprint(services),
    ]
