// The page of the plugins.

import type { plugins as english } from "../en/plugins";

export const plugins: typeof english = {
  heading: "Wtyczki",
  empty: "Nie ma żadnej wtyczki. Słuch i głos daje:",
  emptyCommand: "pip install rider-voice-whisper rider-voice-espeak",
  states: { loaded: "wczytana", disabled: "wyłączona", incompatible: "nie pasuje", failed: "nieudana" },
  domains: { speech_to_text: "słyszy", text_to_speech: "mówi", object_detection: "widzi", text_generation: "myśli" },
  kinds: {
    model: "modele", tracker: "śledzenie", "job transport": "kolejki zadań", "health check": "kontrole stanu",
    route: "strony i adresy", page: "strony w menu", card: "karty", command: "polecenia: rider", hook: "ponadto",
  },
  hooks: { on_event: "odbiera zdarzenia", on_startup: "działa przy starcie", on_shutdown: "działa na koniec" },
  nothing: "niczego nie rejestruje",
  emptyCard: "Nie ma nic do pokazania.",
  cardFailed: (status) => `Wtyczka odpowiada błędem (${status}).`,
  noCard: "W odpowiedzi wtyczki nie ma wierszy.",
  safeMode: "Tryb awaryjny: nie wczytano żadnej wtyczki, więc nie ma silników.",
  safeModeRemedy: "Aby go opuścić, uruchom ponownie samo rider up; RIDER_SAFE_MODE nie może mieć wartości true.",
  restart: (changes) => `Zainstalowane są inne wtyczki niż działające: ${changes}.`,
  restartRemedy: "Procesy zachowują to, co wczytały. Zatrzymaj rider up i uruchom je ponownie; bieżące zadania się dokończą, a czekające nie przepadną.",
  changed: {
    added: (name) => `${name} jest nowa`,
    removed: (name) => `${name} jest usunięta`,
    updated: (name) => `${name} ma inną wersję`,
  },
  help: {
    heading: "Gdy wtyczka psuje start",
    steps: [
      { text: "Uruchom bez wtyczek, żeby panel działał:", command: "rider up --safe-mode" },
      { text: "Zobacz, która wtyczka zawodzi i dlaczego:", command: "rider plugins check" },
      { text: "Uruchom ponownie bez tej wtyczki:", command: "RIDER_PLUGINS_DISABLED=NAZWA rider up" },
      { text: "Albo usuń jej pakiet:", command: "rider plugins remove PAKIET" },
    ],
  },
  installation: {
    heading: "Instalowanie i usuwanie",
    none: "Tutaj nie wolno niczego instalować ani usuwać. Pakiety, na które pozwala się administratorom, wymienia ustawienie:",
    notInstalled: "niezainstalowany",
    install: "Zainstaluj",
    remove: "Usuń",
    busy: "Trwa inna zmiana",
    actions: {
      install: (name) => `Instalacja pakietu ${name}`,
      remove: (name) => `Usunięcie pakietu ${name}`,
    },
    about: {
      install: "Pakiet działa ze wszystkimi prawami Rider-PC. Zostanie sprawdzony w osobnym procesie; jeśli nie zadziała, będzie znów usunięty.",
      remove: "Tego, co daje pakiet, zabraknie po następnym uruchomieniu. Jeśli coś innego nie działa bez niego, zostanie przywrócony.",
    },
    password: "Jeszcze raz twoje hasło",
    typeName: (name) => `Wpisz ${name}, aby potwierdzić`,
    phases: {
      starting: "zaczyna się", installing: "instalowanie", removing: "usuwanie", checking: "sprawdzanie", undoing: "cofanie",
      done: "gotowe", failed: "nie udało się",
    },
    interrupted: "przerwane",
    interruptedRemedy: "Proces skończył się przed końcem zmiany. Co jest zainstalowane, pokazuje: rider plugins check",
    log: "Komunikaty instalatora",
  },
};
