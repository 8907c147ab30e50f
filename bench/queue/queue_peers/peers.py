"""Which peers there are: versions, how each one's worker is started, and what it promises about delivery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: redis-py's documentation advises hiredis for speed; every peer gets it.
REDIS = ("redis==8.1.0", "hiredis==3.5.0")

REQUIREMENTS: Mapping[str, tuple[str, ...]] = {
    "rq": ("rq==3.0.0", *REDIS),
    "huey": ("huey==3.5.4", *REDIS),
    "dramatiq": ("dramatiq==2.2.1", "pika==1.4.4", *REDIS),
    "celery": ("celery[redis]==5.7.0", "kombu==5.7.0", "amqp==5.4.2", *REDIS),
    "taskiq": (
        "taskiq==0.13.0",
        "taskiq-redis==1.2.4",
        "taskiq-aio-pika==0.6.1",
        "aio-pika==10.2.1",
        "uvloop==0.23.0",
        *REDIS,
    ),
}


@dataclass(frozen=True)
class Peer:
    """One row of the table: a library on a broker, in one way of running it."""

    name: str
    broker: str
    #: Key of REQUIREMENTS; its tasks and its driver are in `LIBRARY_peer.py`.
    library: str
    #: A program of the environment and its arguments; `{queue}` and `{redis_url}` are filled in.
    worker: tuple[str, ...]
    #: What becomes of a job whose worker is killed, with the settings of this row.
    delivery: str
    environment: Mapping[str, str] = field(default_factory=dict)


RQ = (
    *("rq", "worker", "--worker-class", "rq.SimpleWorker", "--serializer", "json", "--quiet"),
    *("--url", "{redis_url}", "{queue}"),
)
#: Its documentation leaves the number of threads to the work: one is the default, two are a row too.
HUEY = ("huey_consumer", "huey_peer.huey", "--no-periodic", "--quiet", "--workers")
#: Eight threads are the default. In one to five short runs on Redis they did best of 1, 2, 4 and 8;
#: on RabbitMQ 4 and 8 did alike.
DRAMATIQ = ("dramatiq", "dramatiq_peer", "--processes", "1", "--threads", "8")
DRAMATIQ_PREFETCH = {"dramatiq_queue_prefetch": "100"}
#: Its Redis consumer sleeps up to this long after an empty fetch. 1 ms takes the latency from 8 ms to 1.3. What it does
#: to throughput was not clear from noisy runs, so it is a row of its own. RabbitMQ pushes messages: no need there.
DRAMATIQ_POLLING = {**DRAMATIQ_PREFETCH, "dramatiq_worker_timeout": "1"}
#: On Redis solo did best of solo, threads and prefork with one child (749, 705 and 678 jobs/s, one run each). On
#: RabbitMQ prefork did 693 and solo 618, one run each in the noise. No events and no gossip: nothing but the tasks.
CELERY = (
    *("celery", "--app", "celery_peer", "worker", "--pool", "solo", "--loglevel", "WARNING"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
)
TASKIQ = (
    *("taskiq", "worker", "taskiq_peer:broker", "--workers", "1"),
    *("--max-prefetch", "100", "--log-level", "WARNING"),
)

AT_MOST_ONCE = "at most once: a killed worker loses what it took"
ACKNOWLEDGED_FIRST = "at most once: acknowledged before the task, its default"
AT_LEAST_ONCE = "at least once: acknowledged after the task"
UNCONFIRMED = "; what is submitted is not confirmed"

PEERS: tuple[Peer, ...] = (
    Peer("rq", "redis", "rq", RQ, "at most once: a killed worker's job is marked as failed"),
    Peer("huey", "redis", "huey", (*HUEY, "1"), AT_MOST_ONCE),
    Peer("huey-2-threads", "redis", "huey", (*HUEY, "2"), AT_MOST_ONCE),
    Peer("huey-notify", "redis", "huey", (*HUEY, "2"), AT_MOST_ONCE),
    Peer("dramatiq", "redis", "dramatiq", DRAMATIQ, AT_LEAST_ONCE, DRAMATIQ_PREFETCH),
    Peer("dramatiq-polling", "redis", "dramatiq", DRAMATIQ, AT_LEAST_ONCE, DRAMATIQ_POLLING),
    Peer("celery", "redis", "celery", CELERY, ACKNOWLEDGED_FIRST),
    Peer("taskiq", "redis", "taskiq", TASKIQ, AT_LEAST_ONCE),
    Peer("dramatiq", "rabbitmq", "dramatiq", DRAMATIQ, AT_LEAST_ONCE, DRAMATIQ_PREFETCH),
    Peer("dramatiq-unconfirmed", "rabbitmq", "dramatiq", DRAMATIQ, AT_LEAST_ONCE + UNCONFIRMED, DRAMATIQ_PREFETCH),
    Peer("celery", "rabbitmq", "celery", CELERY, ACKNOWLEDGED_FIRST),
    Peer("celery-unconfirmed", "rabbitmq", "celery", CELERY, ACKNOWLEDGED_FIRST + UNCONFIRMED),
    Peer("taskiq", "rabbitmq", "taskiq", TASKIQ, AT_LEAST_ONCE),
)
