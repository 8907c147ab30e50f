"""The parts that need no broker: settings, the ladder of delays, the form of a message, groups of acknowledgements."""

from __future__ import annotations

import math
import random
from typing import Any

import pika
import pytest
from pika import DeliveryMode
from rider_queue_rabbitmq.backoff import Backoff
from rider_queue_rabbitmq.delays import LADDER_MS, LONGEST_MS, step_for
from rider_queue_rabbitmq.settings import RabbitSettings
from rider_queue_rabbitmq.tickets import HEADER, MAX_BODY_BYTES, NotATicket, from_message, to_properties
from rider_queue_rabbitmq.topology import lane_queue
from rider_queue_rabbitmq.unacked_tags import UnackedTags
from tickets_in_tests import ticket

from rider_core.errors import ConfigError, InvalidInput, TooLarge


def test_settings_of_the_environment() -> None:
    assert RabbitSettings.from_environment({"RABBITMQ_PORT": "5673", "RABBITMQ_HOST": ""}).port == 5673
    found = RabbitSettings.from_environment({"RABBITMQ_USER": "rider", "RABBITMQ_PASSWORD": "canary", "PATH": "/bin"})
    assert (found.host, found.vhost, found.user) == ("127.0.0.1", "/", "rider")
    assert found.password.get_secret_value() == "canary"
    assert "canary" not in repr(found)
    assert "canary" not in str(found.model_dump())
    assert "canary" not in repr(found.parameters(1.0))


@pytest.mark.parametrize(("name", "value"), [("RABBITMQ_PORT", "tcp://10.0.0.1:5672"), ("RABBITMQ_PORT", "0")])
def test_a_wrong_setting_is_named_with_its_value(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name) as caught:
        RabbitSettings.from_environment({name: value, "RABBITMQ_PASSWORD": "canary"})
    assert value in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_delay_is_never_shortened_and_never_stretched_by_more_than_a_tenth() -> None:
    generator = random.Random(1)
    shortest, longest = math.log(0.001), math.log(LONGEST_MS / 1000)
    for delay_s in [math.exp(generator.uniform(shortest, longest)) for _ in range(20_000)] + [
        0.05,
        0.5,
        1,
        3.3,
        86_400,
    ]:
        step_ms = step_for(delay_s)
        assert step_ms is not None
        assert delay_s * 1000 <= step_ms <= max(delay_s * 1000 * 1.1, delay_s * 1000 + 50) + 1e-6
    assert len(LADDER_MS) < 180


def test_delays_that_cannot_be() -> None:
    assert step_for(0) is None
    assert step_for(-1) is None
    assert step_for(LONGEST_MS / 1000) == LONGEST_MS
    for delay_s in (LONGEST_MS / 1000 + 1, math.inf, math.nan):
        with pytest.raises(InvalidInput, match="delayed"):
            step_for(delay_s)


def test_attempts_at_connecting_spread_out() -> None:
    backoff = Backoff()
    waits_s = [backoff.next_s() for _ in range(1000)]
    assert 0.05 <= waits_s[0] <= 0.1
    assert all(2.5 <= wait_s <= 5.0 for wait_s in waits_s[10:])
    assert len(set(waits_s)) > 900
    backoff.reset()
    assert backoff.next_s() <= 0.1


def test_a_ticket_survives_its_message() -> None:
    sent = ticket("job-1", "text", body=bytes(range(256)))
    properties = to_properties(sent)
    assert from_message("text", properties, sent.body) == sent
    assert properties.delivery_mode == DeliveryMode.Persistent.value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("message_id", None),
        ("message_id", ""),
        ("message_id", b"\xff"),
        ("message_id", "a\nb"),
        ("type", None),
        ("headers", None),
        ("ticket", None),
        ("ticket", 7),
        ("ticket", b"0 0 0123abcd 1700000000.25"),
        ("ticket", "-1 0 0123abcd 1700000000.25"),
        ("ticket", "1000000 0 0123abcd 1700000000.25"),
        ("ticket", "0 2 0123abcd 1700000000.25"),
        ("ticket", "0 0 0123abc 1700000000.25"),
        ("ticket", "0 0 0123ABCD 1700000000.25"),
        ("ticket", "0 0 0123abcd nan"),
        ("ticket", "0 0 0123abcd -1.0"),
        ("ticket", "0 0 0123abcd " + "9" * 5000 + ".0"),
        ("ticket", "0 0 0123abcd 1700000000.25\n"),
        ("ticket", "\u0660 0 0123abcd 1700000000.25"),
    ],
)
def test_other_messages_are_no_tickets(field: str, value: Any) -> None:
    properties = to_properties(ticket("job-1", "text"))
    if field == HEADER:
        properties.headers = {HEADER: value}
    else:
        setattr(properties, field, value)
    with pytest.raises(NotATicket):
        from_message("text", properties, b"{}")


def test_size_is_limited_both_ways() -> None:
    large = ticket("job-1", "text", body=bytes(MAX_BODY_BYTES + 1))
    with pytest.raises(TooLarge, match="job-1"):
        to_properties(large)
    with pytest.raises(NotATicket, match="bytes"):
        from_message("text", pika.BasicProperties(), large.body)


@pytest.mark.parametrize(
    "changes",
    [
        {"job_id": "x" * 256},
        {"job_id": "a\nb"},
        {"task": ""},
        {"attempt": -1},
        {"submitted_ts": math.nan},
        {"submitted_ts": math.inf},
    ],
)
def test_what_would_not_be_read_is_not_sent(changes: dict[str, Any]) -> None:
    """An error while it is written to the connection would cost all who share that."""
    with pytest.raises(InvalidInput, match="cannot travel"):
        to_properties(ticket("job-1", "text")._replace(**changes))


@pytest.mark.parametrize("name", ["dead", "jobs", "delay.50", "", "a\x00b", "x" * 300])
def test_names_that_are_no_lanes(name: str) -> None:
    with pytest.raises(InvalidInput):
        lane_queue(name)


def test_acknowledgements_are_grouped_and_none_covers_an_open_delivery() -> None:
    """Against a model of the channel: RabbitMQ's rule is that the tag named must still be open."""
    generator = random.Random(2)
    deliveries, unanswered, last = UnackedTags(), set[int](), 0
    for _ in range(3000):
        for _ in range(generator.randrange(4)):
            last += 1
            deliveries.add(last)
            unanswered.add(last)
        settled = [tag for tag in sorted(unanswered) if generator.random() < 0.4]
        up_to, single = deliveries.settle([*settled, *settled[:1], last + 1000])
        if up_to is not None:
            assert up_to in unanswered
            covered = {tag for tag in unanswered if tag <= up_to}
            assert covered <= set(settled)
            unanswered -= covered
        for tag in single:
            unanswered.remove(tag)
        assert not unanswered & set(settled)
        assert len(deliveries) == len(unanswered)
    assert deliveries.settle(sorted(unanswered)) == (max(unanswered), [])
