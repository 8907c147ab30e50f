"""A photograph with boxes around the detected objects, as an SVG file."""

from __future__ import annotations

from xml.sax.saxutils import escape

from rider_core.api.messages import encode_base64
from rider_core.api.object_detection import Detections

#: Colours that are distinguishable on any photograph, also for colour-blind people (Okabe and Ito, 2008).
COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7", "#0072b2")
#: Line width and font size as shares of the picture's shorter side, so that a large photograph has no hairlines.
_LINE, _LETTER = 1 / 160, 1 / 28


def box_picture(jpeg: bytes, found: Detections) -> str:
    """The SVG. Labels are escaped."""
    width, height = found.width, found.height
    side = min(width, height)
    colours = {label: COLOURS[n % len(COLOURS)] for n, label in enumerate(sorted({it.label for it in found.objects}))}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="{side * _LETTER:.1f}">',
        # Boxes are in pixels as stored, so the picture must not be rotated by its Exif orientation.
        f'<image width="{width}" height="{height}" style="image-orientation: none" '
        f'href="data:image/jpeg;base64,{encode_base64(jpeg)}"/>',
    ]
    # In reverse: the object with the highest score is drawn last, on top.
    for it in reversed(found.objects):
        parts += _box(it.label, it.score, it.box, colours[it.label], side)
    return "\n".join([*parts, "</svg>", ""])


def _box(label: str, score: float, box: tuple[float, float, float, float], colour: str, side: float) -> list[str]:
    left, top, right, bottom = box
    line, letter = side * _LINE, side * _LETTER
    text = f"{label} {score:.0%}"
    width = letter * (0.62 * len(text) + 0.6)
    # The label is above its box, or inside if there is no space above.
    label_top = top - 1.4 * letter if top > 1.4 * letter else top
    return [
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" fill="none" '
        f'stroke="{colour}" stroke-width="{line:.1f}"/>',
        f'<rect x="{left:.1f}" y="{label_top:.1f}" width="{width:.1f}" height="{1.4 * letter:.1f}" fill="{colour}"/>',
        f'<text x="{left + 0.3 * letter:.1f}" y="{label_top + letter:.1f}" fill="#000">{escape(text)}</text>',
    ]
