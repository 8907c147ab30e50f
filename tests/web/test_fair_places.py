"""Places that are shared fairly among persons."""

from __future__ import annotations

from rider_core.web.fair_places import FairPlaces, Seat


def test_one_person_may_have_all_while_nobody_else_comes() -> None:
    places = FairPlaces(3)
    assert [places.take(f"ola {n}", "ola") for n in range(4)] == [Seat(True)] * 3 + [Seat(False)]


def test_whoever_has_most_makes_room_until_all_have_as_many() -> None:
    places = FairPlaces(4)
    for n in range(4):
        places.take(f"ola {n}", "ola")
    assert places.take("jan 0", "jan") == Seat(True, "ola 0")
    assert places.take("jan 1", "jan") == Seat(True, "ola 1")
    assert places.take("jan 2", "jan") == Seat(False), "they have two each"
    assert places.take("ewa 0", "ewa").granted, "who has none displaces one of two"


def test_four_persons_keep_out_nobody_but_who_has_one_already() -> None:
    places = FairPlaces(2)
    places.take("ola", "ola")
    places.take("jan", "jan")
    assert places.take("ewa", "ewa") == Seat(False), "nobody has more than one"
    places.leave("jan")
    assert places.take("ewa", "ewa") == Seat(True)
    places.leave("nobody")
    places.clear()
    assert places.take("jan", "jan") == Seat(True)
