// What the processes tell, in the page's language.

import "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { language } from "../src/strings";
import { told } from "../src/told";

const polish = (text: string, expected: string): void => assert.equal(told(text), language === "pl" ? expected : text);

test("a frequent sentence is said in the page's language, with its names and numbers", () => {
  polish("no worker can do text.generate", "żaden worker nie wykonuje zadań text.generate");
  polish("no picture has come from the camera for 3 s", "od 3 s nie ma obrazu z kamery");
});

test("a sentence may have its remedy behind it", () => {
  polish(
    "text.generate: no text_generation engine is installed (pip install one, or name one in the setting providers.text_generation (there is: echo-text))",
    "text.generate: nie ma zainstalowanego silnika text_generation (zainstaluj go przez pip albo wskaż inny w ustawieniu providers.text_generation, jest: echo-text)",
  );
});

test("a sentence within another is translated, too", () => {
  polish("vision: no worker can do vision.detect", "wzrok: żaden worker nie wykonuje zadań vision.detect");
  polish(
    "voice.transcribe: model 'whisper-base' is not installed (rider models pull whisper-base)",
    "voice.transcribe: model „whisper-base” nie jest zainstalowany (rider models pull whisper-base)",
  );
});

test("several are translated one by one, and what is unknown stays as it is", () => {
  polish(
    "whisper failed too often and is not called for another 20 s; nobody knows this; nothing comes in",
    "whisper zbyt często zawodzi i przez najbliższe 20 s nie będzie używany; nobody knows this; nic nie przychodzi",
  );
  for (const text of ["", "$1 {1}", "a; b"]) assert.equal(told(text), text);
  polish("voice is not served: $1 {1}", "głos nie jest obsługiwany: $1 {1}");
});
