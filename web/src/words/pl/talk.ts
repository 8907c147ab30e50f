// The page on which people talk through the browser.

import type { talkPage as english } from "../en/talk";

export const talkPage: typeof english = {
  heading: "Porozmawiaj z nim",
  empty: "Napisz coś albo przytrzymaj przycisk mikrofonu i mów. Odpowie na głos; robot nie jest potrzebny.",
  connecting: "łączenie",
  ready: "słucha cię",
  thinking: "myśli",
  speaking: "mówi",
  you: "Ty",
  robot: "Rider",
  broken: "przerwane",
  write: "Napisz do niego",
  send: "Wyślij",
  hush: "Cisza",
  steps: { heard: "zrozumiane po", sentence: "pierwsze zdanie po", written: "napisane w", sound: "pierwszy dźwięk po" },
  hold: "Przytrzymaj, żeby mówić (klawisz T)",
  listen: "Słuchaj",
  stopListening: "Przestań słuchać",
  mode: "Kiedy słucha",
  modes: { hold: "Przycisk", free: "Bez rąk" },
  insecure: "Przeglądarki udostępniają mikrofon i kamerę tylko stronom z localhost i HTTPS. Otwórz panel na jego własnym komputerze albo daj mu certyfikat (RIDER_WEB_TLS_CERT, RIDER_WEB_TLS_KEY).",
  noMicrophone: "Ten komputer nie ma mikrofonu. Pisanie działa bez niego.",
  noCamera: "Ten komputer nie ma kamery. Obraz z pliku działa bez niej.",
  notAllowed: "Przeglądarka nie udostępnia tego tej stronie: zezwól na to w pasku adresu.",
  show: "Pokaż mu coś",
  showEmpty: "Otwórz kamerę albo wybierz obraz: powie, co widzi.",
  openCamera: "Otwórz kamerę",
  closeCamera: "Zamknij kamerę",
  choosePicture: "Wybierz obraz",
};
