"""Refused: decompression bombs, broken pictures, invalid settings and models."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mediapipe_harness import detector, jpeg_of, model
from PIL import Image
from rider_vision_mediapipe import MediapipeDetector
from rider_vision_mediapipe import provider as provider_file
from rider_vision_mediapipe.jpeg_decoder import decode
from rider_vision_mediapipe.models import KINDS, MODELS
from rider_vision_mediapipe.provider import MediapipeConfig
from rider_vision_mediapipe.ssd_metadata import anchors, build_ssd

from rider_core.api import Frame, HealthStatus, ProviderContext
from rider_core.api.jpeg_header import MAX_SCANS, JpegHeader, read_header
from rider_core.errors import InvalidInput, ModelError, ProviderUnavailable, TooLarge

SMALL = jpeg_of(Image.new("RGB", (64, 48), (200, 10, 10)))
PROGRESSIVE = jpeg_of(Image.radial_gradient("L").convert("RGB"), progressive=True)


def claiming(jpeg: bytes, width: int, height: int) -> bytes:
    at = max(jpeg.find(b"\xff\xc0"), jpeg.find(b"\xff\xc2")) + 5
    return jpeg[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + jpeg[at + 4 :]


def scan_bomb() -> bytes:
    """A real picture that repeats its last scan."""
    last = PROGRESSIVE.rindex(b"\xff\xda")
    return PROGRESSIVE[:last] + PROGRESSIVE[last:-2] * MAX_SCANS + PROGRESSIVE[-2:]


def two_sizes() -> bytes:
    """A second start marker, which only some decoders skip."""
    return SMALL[:2] + b"\xff\xd8" + SMALL[2:]


class TestPictures:
    @pytest.mark.parametrize(
        ("jpeg", "error", "message"),
        [
            (claiming(SMALL, 50_000, 50_000), TooLarge, "50000 x 50000"),
            (claiming(SMALL, 11_000, 11_000), TooLarge, "limit is 120000000"),
            (claiming(SMALL, 40_000, 2), TooLarge, "40000 x 2 pixels, the limit is 16384"),
            (claiming(SMALL, 2, 32_767), TooLarge, "each side"),
            (claiming(PROGRESSIVE, 4_100, 4_100), TooLarge, "baseline"),
            (scan_bomb(), TooLarge, "scans"),
            (SMALL[:2] + b"\xff\xe0\x00\x02" * 1_000 + SMALL[2:], TooLarge, "segments"),
            (SMALL[:2] + b"\xff" * 8_000_000 + SMALL[2:], TooLarge, "segments"),
            (two_sizes(), InvalidInput, "0xd8"),
            (SMALL[: SMALL.index(b"\xff\xda")] + SMALL[SMALL.index(b"\xff\xc0") :], InvalidInput, "two frame headers"),
            (claiming(SMALL, 0, 48), InvalidInput, "0 x 48"),
            (SMALL[: len(SMALL) // 2], InvalidInput, "cut off"),
            (b"\x89PNG\r\n\x1a\n" + bytes(64), InvalidInput, "not a JPEG but a PNG picture"),
            (b"\x00\x00\x00\x24ftypheic" + bytes(64), InvalidInput, "not a JPEG but a HEIC picture"),
            (b"", InvalidInput, "not a JPEG but an empty file"),
        ],
    )
    def test_refused_by_the_header(self, jpeg: bytes, error: type[InvalidInput], message: str) -> None:
        started = time.monotonic()
        with pytest.raises(error, match=message):
            read_header(jpeg)
        assert time.monotonic() - started < 0.5

    @pytest.mark.parametrize(
        "behind",
        [bytes(4_500_000), PROGRESSIVE * 20, b"\xff\xda\x00\x08" * 500, b"PK\x05\x06" + bytes(18)],
        ids=["film", "previews", "scans", "zip"],
    )
    def test_what_stands_behind_a_picture_is_not_its_own(self, behind: bytes) -> None:
        for jpeg in (SMALL, PROGRESSIVE):
            assert read_header(jpeg + behind) == read_header(jpeg)

    def test_decoder_that_reads_another_size(self) -> None:
        with pytest.raises(InvalidInput, match="two sizes"):
            decode(SMALL, JpegHeader(64, 47, 0), 300)

    def test_fill_bytes_are_allowed(self) -> None:
        assert (read_header(SMALL[:2] + b"\xff" * 100 + SMALL[2:]).width, read_header(SMALL).height) == (64, 48)

    @pytest.mark.parametrize("kept", [0.6, 0.9])
    def test_cut_off_pixels(self, kept: float) -> None:
        jpeg = jpeg_of(Image.effect_noise((300, 300), 80))
        jpeg = jpeg[: int(len(jpeg) * kept)]
        with pytest.raises(InvalidInput, match="cannot be decoded"):
            decode(jpeg, read_header(jpeg), 300)

    @pytest.mark.parametrize("mode", ["RGB", "CMYK"])
    def test_a_progressive_one_that_is_cut_off_in_its_last_scan(self, mode: str) -> None:
        jpeg = jpeg_of(Image.effect_noise((300, 300), 80).convert("RGB").convert(mode), progressive=True)
        jpeg = jpeg[: (jpeg.rindex(b"\xff\xda") + len(jpeg)) // 2]
        with pytest.raises(InvalidInput, match="cut off"):
            decode(jpeg, read_header(jpeg), 300)

    def test_stray_bytes_of_a_camera_do_no_harm(self) -> None:
        for whole, needed_px in ((SMALL, 300), (jpeg_of(Image.effect_noise((1200, 900), 80)), 300)):
            start = whole.index(b"\xff\xda")
            pixels = decode(whole[:start] + b"\x01\x02\x03" + whole[start:], read_header(whole), needed_px)
            expected = decode(whole, read_header(whole), needed_px)
            assert pixels.shape == expected.shape
            assert abs(pixels.astype(int) - expected).max() <= 2

    @pytest.mark.parametrize("value", [0, 9, 65_535])
    def test_nonsense_in_exif_is_passed_over(self, value: int) -> None:
        exif = Image.Exif()
        exif[0x0112] = value
        assert read_header(jpeg_of(Image.new("RGB", (8, 8)), exif=exif)).turn_deg == 0

    def test_damaged_pictures_are_shown_or_refused(self) -> None:
        """Random bytes changed: InvalidInput or a result, and no other error."""
        chance = random.Random(4)
        exif = Image.Exif()
        exif[0x0112] = 6
        for whole in (SMALL, PROGRESSIVE, jpeg_of(Image.radial_gradient("L"), exif=exif)):
            for _ in range(400):
                damaged = bytearray(whole)
                for _ in range(chance.choice([1, 3, 20])):
                    damaged[chance.randrange(2, min(len(damaged), 700))] = chance.randrange(256)
                jpeg = bytes(damaged)
                try:
                    header = read_header(jpeg)
                    pixels = decode(jpeg, header, 128)
                except InvalidInput:
                    continue
                assert pixels.shape[2] == 3
                assert header.width // 8 <= pixels.shape[1] <= header.width

    def test_bombs_need_no_memory(self, tmp_path: Path) -> None:
        """Peak memory of a refused bomb, and of the largest picture that is accepted."""
        (tmp_path / "bomb").write_bytes(claiming(SMALL, 50_000, 50_000))
        (tmp_path / "large").write_bytes(jpeg_of(Image.new("RGB", (12_000, 9_000), (10, 90, 200))))
        program = (
            "import resource, sys; from pathlib import Path\n"
            "from rider_core.api import Frame, ProviderContext; from rider_core.errors import TooLarge\n"
            "from rider_vision_mediapipe.provider import MediapipeConfig, MediapipeDetector\n"
            "peak_mb = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
            "small, bomb, large = (Path(path).read_bytes() for path in sys.argv[2:])\n"
            "provider = MediapipeDetector(MediapipeConfig(), ProviderContext(model_path=lambda _: Path(sys.argv[1])))\n"
            "provider.open(); provider.detect(Frame(small)); before = peak_mb()\n"
            "try: provider.detect(Frame(bomb))\n"
            "except TooLarge: print('refused')\n"
            "provider.detect(Frame(large)); provider.detect(Frame(small)); print(int(peak_mb() - before))\n"
        )
        (tmp_path / "small").write_bytes(SMALL)
        paths = [str(model("ssd-oidv4")), *(str(tmp_path / name) for name in ("small", "bomb", "large"))]
        run = subprocess.run([sys.executable, "-c", program, *paths], capture_output=True, timeout=60, check=True)
        refused, more_mb = run.stdout.split()
        assert refused == b"refused"
        assert int(more_mb) < 60


class TestModels:
    def test_missing(self) -> None:
        def not_there(name: str) -> Path:
            raise ModelError(f"model {name!r} is not installed", remedy=f"rider models pull {name}")

        provider = MediapipeDetector(MediapipeConfig(), ProviderContext(model_path=not_there))
        health = provider.health()
        assert (health.status, health.remedy) == (HealthStatus.UNAVAILABLE, "rider models pull ssd-oidv4")
        with pytest.raises(ModelError, match="rider models pull ssd-oidv4"):
            provider.open()

    @pytest.mark.parametrize("content", [b"", b"not a model", bytes(1_000)])
    def test_file_that_is_no_model(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "m.tflite").write_bytes(content)
        context = ProviderContext(model_path=lambda name: tmp_path / "m.tflite")
        with pytest.raises(ProviderUnavailable, match=r"cannot load m\.tflite"):
            MediapipeDetector(MediapipeConfig(), context).open()

    def test_other_model(self) -> None:
        context = ProviderContext(model_path=lambda name: model("face-short-range"))
        with pytest.raises(ProviderUnavailable, match="cannot load"):
            MediapipeDetector(MediapipeConfig(), context).open()

    def test_missing_libraries_of_the_system(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("rider_vision_mediapipe.system_libraries.NEEDED", {"libmissing.so.7": "libmissing7"})
        provider = detector()
        assert provider.health().remedy == "as root: apt-get install libmissing7"
        with pytest.raises(ProviderUnavailable, match=r"libmissing\.so\.7"):
            provider.open()

    def test_not_opened(self) -> None:
        with pytest.raises(ProviderUnavailable, match="not open"):
            MediapipeDetector(MediapipeConfig(), ProviderContext()).detect(Frame(SMALL))

    def test_assets_that_are_none(self, tmp_path: Path) -> None:
        (tmp_path / "assets").write_bytes(bytes(9_987_912))
        with pytest.raises(ModelError, match="does not hold the detector"):
            build_ssd({"assets": tmp_path / "assets"}, tmp_path / "out")

    def test_anchors(self) -> None:
        boxes = list(anchors())
        assert len(boxes) == 1917
        assert boxes[0] == pytest.approx((1 / 38, 1 / 38, 0.1, 0.1))
        assert boxes[-1] == pytest.approx((0.5, 0.5, 0.9747, 0.9747), abs=1e-4)

    def test_entries_have_a_source_and_checksums(self) -> None:
        for entry in MODELS:
            assert len(entry.sha256) == 64
            assert entry.sources

    def test_each_model_has_its_classes(self) -> None:
        assert {name: len(set(KINDS[name].labels)) for name in KINDS} == {
            "ssd-oidv4": 23,
            "face-short-range": 1,
            "efficientdet-lite0": 80,
        }
        assert set(KINDS) == {entry.name for entry in MODELS}


class TestSettings:
    @pytest.mark.parametrize("field", ["allow", "deny"])
    def test_unknown_class(self, field: str) -> None:
        with pytest.raises(ValueError, match="no class 'Persn'; it has Bicycle"):
            MediapipeConfig(**{field: ["Cat", "Persn"]})

    def test_areas_that_exclude_everything(self) -> None:
        with pytest.raises(ValueError, match=r"min_area 0\.5 is above max_area 0\.2"):
            MediapipeConfig(min_area=0.5, max_area=0.2)

    def test_unknown_model(self) -> None:
        with pytest.raises(ValueError, match="ssd-oidv4"):
            MediapipeConfig(model="yolo")


def test_the_engine_does_without_matplotlib_and_opencv_and_others_still_have_them() -> None:
    program = (
        "import sys, rider_vision_mediapipe.engine\n"
        "print([name for name in ('mediapipe', 'matplotlib', 'matplotlib.pyplot', 'cv2') if name in sys.modules])\n"
        "import cv2, matplotlib.pyplot\n"
        "print(callable(matplotlib.pyplot.figure) and callable(cv2.imdecode))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.split("\n")[:2] == ["['mediapipe']", "True"]


def test_importing_the_plugin_loads_no_engine() -> None:
    program = (
        "import sys, rider_vision_mediapipe\n"
        "print([name for name in ('mediapipe', 'numpy', 'PIL', 'cv2', 'flatbuffers') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "[]"
    assert provider_file.__name__ in sys.modules
