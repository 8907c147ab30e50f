"""What a newcomer does in the first minutes, by a browser: `make bench-newcomer`.

The last commit is cloned into a temporary folder, and `make run` starts there with an empty HOME: nothing that was
installed or fetched before helps it, but the models beside the checkout. The browser's microphone plays a recording,
and its webcam shows a photograph. Prints when each step was done, in seconds since `make run`, and as its last line one
JSON object; a step that fails ends it with a picture of the page and exit status 1. `--pictures FOLDER` keeps one of
each step. Needs Chromium, ffmpeg, the recordings beside the checkout, and: pip install playwright
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "panel"))

import httpx
from harness import chromium
from playwright.sync_api import Error, Page, expect, sync_playwright

from rider_core.testing.ports import free_port
from rider_core.testing.wheels import write_wheel

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
#: Longest wait for a step, in ms, and for the installation, in seconds.
STEP_MS, INSTALLED_S = 60_000, 600.0
#: Of what the microphone plays again and again, in seconds: a sentence, and time for the answer.
SPEECH_S, SILENCE_S = 2, 15
#: The plugin that the newcomer installs.
ENGINE = """
from rider_core.api import TextGenerator, hookimpl
RIDER_API = "1.0"
class Parrot(TextGenerator):
    name = "parrot"
    mock = True
    def generate_stream(self, request):
        yield request.prompt
@hookimpl
def register_providers(register):
    register(Parrot)
"""


class Newcomer:
    """`make run` in a fresh clone, and a browser."""

    def __init__(self, folder: Path, pictures: Path | None) -> None:
        self._folder, self._pictures = folder, pictures
        self._clone = folder / "main"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self._clone)], check=True)
        if SHARED.is_dir():
            (folder / "shared").symlink_to(SHARED)
        (folder / "home").mkdir()
        index = folder / "index"
        index.mkdir()
        write_wheel(index, "rider-parrot", ENGINE)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        found = {name: f"{os.environ.get(name, '')} {index}".strip() for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS")}
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RIDER_", "REDIS_"))},
            **found,
            "HOME": str(folder / "home"),
            "RIDER_MODEL_PATH": str(SHARED / "models"),
            "RIDER_WEB_PORT": str(port),
            "RIDER_PLUGINS_INSTALLABLE": "rider-parrot",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.steps: dict[str, float] = {}
        self._begun = time.monotonic()

    def start(self) -> None:
        """`make run`, until the panel answers."""
        with (self._folder / "run.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["make", "run"],
                cwd=self._clone,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + INSTALLED_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                sys.exit((self._folder / "run.log").read_text(errors="replace")[-3000:])
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """As Ctrl-C does it."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
            self._process.wait(60)

    @contextmanager
    def step(self, name: str, page: Page | None = None) -> Iterator[None]:
        try:
            yield
        except (Error, AssertionError):
            if page is not None:
                page.screenshot(path="newcomer-failed.png", full_page=True)
                print(f"{name}: failed; the page is in newcomer-failed.png", file=sys.stderr)
            raise
        self.steps[name] = round(time.monotonic() - self._begun, 1)
        print(f"{self.steps[name]:7.1f} s  {name}", flush=True)
        if self._pictures is not None and page is not None:
            page.screenshot(path=self._pictures / f"{len(self.steps):02} {name}.png", full_page=True)


def microphone(folder: Path) -> Path:
    """Some seconds of a recording after silence: a sentence, and its end."""
    clip = folder / "clip.wav"
    with wave.open(str(SHARED / "media" / "beckett.wav")) as recording, wave.open(str(clip), "wb") as file:
        file.setparams(recording.getparams())
        rate, width = recording.getframerate(), recording.getsampwidth() * recording.getnchannels()
        file.writeframes(recording.readframes(SPEECH_S * rate) + bytes(SILENCE_S * rate * width))
    return clip


def camera(folder: Path) -> Path:
    """A photograph as the video that the browser takes for a webcam."""
    video = folder / "camera.mjpeg"
    picture = SHARED / "media" / "astronaut.jpg"
    command = ["ffmpeg", "-v", "error", "-loop", "1", "-i", str(picture), "-t", "2", "-r", "5", "-vf", "scale=640:480"]
    subprocess.run([*command, "-c:v", "mjpeg", "-q:v", "3", str(video)], check=True)
    return video


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def follow(newcomer: Newcomer, page: Page) -> None:
    """The path, from the first page to the reason of a failed job. Each step begins with a click on what is seen."""
    menu = page.get_by_role("navigation", name="Pages")
    step = newcomer.step
    with step("sees a live dashboard", page):
        page.goto(newcomer.url)
        expect(page.locator(".connection .good")).to_be_visible()
    with step("gets an answer to a question", page):
        menu.get_by_role("link", name="Talk").click()
        expect(page.locator(".card-talk-page .pill.good")).to_be_visible()
        page.get_by_label("Write to it").fill("Say hello to me.")
        press(page, "Send")
        expect(page.locator(".talk .spoken").first).to_contain_text("first sound after")
    with step("speaks, is heard, and is answered", page):
        press(page, "Hands-free")
        press(page, "Listen")
        expect(page.locator(".talk .heard").filter(has_text="whisper").first).to_be_visible()
        expect(page.locator(".talk .spoken").nth(1)).to_contain_text("first sound after")
        press(page, "Stop listening")
    with step("sees a person in a box", page):
        press(page, "Open the webcam")
        expect(page.locator(".card-webcam .box").first).to_be_visible()
        expect(page.locator(".card-webcam")).to_contain_text("Person")
        press(page, "Close the webcam")
    with step("switches vision off and on", page):
        menu.get_by_role("link", name="Providers").click()
        vision = page.locator(".domains li").filter(has_text="Vision")
        for choice, place in (("Robot", "robot"), ("PC", "PC")):
            vision.get_by_role("button", name=choice, exact=True).click()
            expect(vision.locator(".where")).to_have_text(place)
            expect(vision.locator(".notes")).to_contain_text("the robot confirms it")
    with step("adds an engine", page):
        menu.get_by_role("link", name="Plugins").click()
        page.locator(".card-installation li").get_by_role("button", name="Install", exact=True).click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("textbox").fill("rider-parrot")
        dialog.get_by_role("button", name="Install", exact=True).click()
        expect(page.locator(".plugin-change .pill")).to_have_text("done")
    newcomer.stop()
    newcomer.start()
    with step("sees its engine after a restart", page):
        page.goto(f"{newcomer.url}/control")
        expect(page.locator("main")).to_contain_text("parrot")
    broken = {"image": base64.b64encode(b"no picture").decode()}
    httpx.post(f"{newcomer.url}/api/v1/jobs", json={"task": "vision.detect", "payload": broken}, trust_env=False)
    with step("finds why a job failed", page):
        menu.get_by_role("link", name="Queue").click()
        page.get_by_role("navigation", name="Jobs by state").get_by_role("link", name=re.compile("^failed")).click()
        page.locator(".job-row").first.click()
        expect(page.locator(".card-job .trouble")).to_contain_text("not a JPEG")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, help="a folder for a picture of each step")
    options = parser.parse_args()
    if not (SHARED / "media").is_dir():
        sys.exit(f"{SHARED / 'media'} has the recording and the photograph, and is missing")
    if options.pictures is not None:
        options.pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rider-newcomer-") as name:
        folder = Path(name)
        newcomer = Newcomer(folder, options.pictures)
        with browser_with(microphone(folder), camera(folder)) as new_page:
            try:
                with newcomer.step("make run: it is up"):
                    newcomer.start()
                follow(newcomer, new_page())
            finally:
                newcomer.stop()
    print(json.dumps({"steps_s": newcomer.steps, "all_s": max(newcomer.steps.values())}))


@contextmanager
def browser_with(audio: Path, video: Path) -> Iterator[Callable[[], Page]]:
    """Chromium with a microphone that plays a file and a webcam that shows one."""
    expect.set_options(timeout=STEP_MS)
    arguments = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={audio}",
        f"--use-file-for-fake-video-capture={video}",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        context = browser.new_context(
            viewport={"width": 1400, "height": 900}, locale="en-GB", permissions=["microphone", "camera"]
        )
        yield context.new_page
        browser.close()


if __name__ == "__main__":
    main()
