// The page of the engines.

import { plural } from "./plural";

export const providers = {
  whoServes: "Who serves the robot",
  heading: "Engines",
  domains: {
    speech_to_text: "Speech recognition", text_to_speech: "Speech", object_detection: "Sight", text_generation: "Language",
  } as Record<string, string>,
  none: "None is installed. Get one:",
  install: {
    speech_to_text: "pip install rider-voice-whisper", text_to_speech: "pip install rider-voice-espeak",
    object_detection: "pip install rider-vision-mediapipe", text_generation: "pip install rider-text-llama",
  } as Record<string, string>,
  unknown: (name: string) => `There is no engine ${name} here. Those that there are:`,
  first: "used first",
  fallback: (place: number) => `used as number ${place}, where those before it fail`,
  byName: "only where it is asked for by name",
  ready: "ready",
  notOpen: "not open",
  notOpenHint: "A worker opens it when the first job for it comes",
  wrongSettings: "wrong settings",
  closeProvider: "Close",
  plugin: "From the plugin",
  test: "Try it",
  verbs: {
    speech_to_text: "Choose a WAV file to be heard", text_to_speech: "Say it", object_detection: "Choose a picture to look at",
    text_generation: "Answer",
  } as Record<string, string>,
  sayThis: "Hello! I am your robot, and this is my voice.",
  answerThis: "In one sentence: what can a small robot on wheels do?",
  noPicture: (file: string) => `${file} is no picture that this browser can read.`,
  took: (time: string) => `It took ${time}`,
  seeJob: "See its job",
  found: (labels: string) => (labels ? `Found: ${labels}` : "Nothing was found in it."),
  settings: "Settings",
  noSettings: "It has no settings.",
  nothingChanged: "Nothing is changed",
  save: (count: number) => `Save ${plural(count, "change", "changes")}`,
  saved: (names: string) => `Saved: ${names}. Workers that start from now on use it.`,
  reset: "Forget what was saved here",
  resetSure: (names: string) => `The settings file and the defaults count again for ${names}.`,
  wasReset: "The settings file and the defaults count again.",
};
