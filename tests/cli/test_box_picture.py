"""The picture with boxes: to scale, with escaped labels."""

from __future__ import annotations

from xml.etree import ElementTree

from rider_core.api import DetectedObject, Detections
from rider_core.cli.box_picture import box_picture
from rider_core.testing.samples import SMALL_JPEG

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*objects: DetectedObject) -> ElementTree.Element:
    return ElementTree.fromstring(box_picture(SMALL_JPEG, Detections(objects=objects, width=640, height=480)))


def test_each_object_has_a_box_and_a_name() -> None:
    cat = DetectedObject(label="cat", score=0.91, box=(10, 100, 200, 300))
    dog = DetectedObject(label="dog", score=0.5, box=(300, 2, 400, 50))
    picture = drawn(cat, dog)
    assert picture.get("viewBox") == "0 0 640 480"
    frames = [rect for rect in picture.iter(f"{SVG}rect") if rect.get("fill") == "none"]
    assert [[float(rect.get(name, "")) for name in ("x", "y", "width", "height")] for rect in frames] == [
        [300, 2, 100, 48],
        [10, 100, 190, 200],
    ]
    assert [text.text for text in picture.iter(f"{SVG}text")] == ["dog 50%", "cat 91%"]
    assert len({rect.get("stroke") for rect in frames}) == 2
    assert all(float(text.get("y", "")) > 0 for text in picture.iter(f"{SVG}text"))


def test_a_label_is_text() -> None:
    picture = drawn(DetectedObject(label="<script>&", score=1, box=(0, 0, 1, 1)))
    assert [text.text for text in picture.iter(f"{SVG}text")] == ["<script>& 100%"]
    assert not list(picture.iter(f"{SVG}script"))


def test_nothing_found_is_the_photograph_alone() -> None:
    assert [child.tag for child in drawn()] == [f"{SVG}image"]
