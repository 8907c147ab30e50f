// The page of the engines.

import type { providers as english } from "../en/providers";
import { plural } from "./plural";

export const providers: typeof english = {
  whoServes: "Kto obsługuje robota",
  heading: "Silniki",
  domains: { speech_to_text: "Słuch", text_to_speech: "Mowa", object_detection: "Wzrok", text_generation: "Język" },
  none: "Nie ma żadnego. Zainstaluj:",
  install: {
    speech_to_text: "pip install rider-voice-whisper", text_to_speech: "pip install rider-voice-espeak",
    object_detection: "pip install rider-vision-mediapipe", text_generation: "pip install rider-text-llama",
  },
  unknown: (name) => `Nie ma tu silnika ${name}. Te, które są:`,
  first: "używany najpierw",
  fallback: (place) => `używany jako ${place}., gdy zawiodą poprzednie`,
  byName: "tylko na wezwanie po nazwie",
  ready: "gotowy",
  notOpen: "nieotwarty",
  notOpenHint: "Worker otworzy go przy pierwszym zadaniu",
  wrongSettings: "złe ustawienia",
  closeProvider: "Zamknij",
  plugin: "Z wtyczki",
  test: "Wypróbuj",
  verbs: {
    speech_to_text: "Wybierz plik WAV do posłuchania", text_to_speech: "Powiedz", object_detection: "Wybierz obraz do obejrzenia",
    text_generation: "Odpowiedz",
  },
  sayThis: "Cześć! Jestem twoim robotem, a to jest mój głos.",
  answerThis: "W jednym zdaniu: co potrafi mały robot na kołach?",
  noPicture: (file) => `${file} nie jest obrazem, który ta przeglądarka umie odczytać.`,
  took: (time) => `Trwało to ${time}`,
  seeJob: "Zobacz zadanie",
  found: (labels) => (labels ? `Widać: ${labels}` : "Niczego tu nie widać."),
  settings: "Ustawienia",
  noSettings: "Nie ma ustawień.",
  nothingChanged: "Nic nie zmieniono",
  save: (count) => `Zapisz ${plural(count, "zmianę", "zmiany", "zmian")}`,
  saved: (names) => `Zapisano: ${names}. Użyją tego workery, które wystartują od teraz.`,
  reset: "Zapomnij, co tu zapisano",
  resetSure: (names) => `Dla ${names} znów obowiązują plik ustawień i wartości domyślne.`,
  wasReset: "Znów obowiązują plik ustawień i wartości domyślne.",
};
