// What every page has.

import type { frame as english } from "../en/frame";
import { plural } from "./plural";

export const frame: typeof english = {
  title: "Rider-PC",
  language: "Język",
  pages: {
    menu: "Strony",
    dashboard: "Przegląd",
    talk: "Rozmowa",
    queue: "Kolejka",
    providers: "Silniki",
    robots: "Robot",
    plugins: "Wtyczki",
    system: "System",
  },
  stop: {
    button: "Stop",
    title: "Zatrzymaj robota natychmiast (spacja)",
    done: "Robot się zatrzymuje: przyjął polecenie.",
    sent: (problem) => `Polecenie poszło szyną robota; jego interfejs HTTP go nie potwierdził: ${problem}`,
    failed: (problem) => `Nie udało się dotrzeć do robota: ${problem}`,
  },
  unloaded: {
    heading: "Nie udało się wczytać tej strony",
    text: "Panel nie odpowiada albo ma już inną wersję.",
    again: "Wczytaj ponownie",
  },
  actions: {
    save: "Zapisz",
    delete: "Usuń",
    cancel: "Anuluj",
    close: "Zamknij",
    undo: "Cofnij",
    stopSound: "Zatrzymaj dźwięk",
    soundGone: "Tego dźwięku już nie ma.",
    play: "Odtwórz dźwięk",
    picture: "Obraz z zadania",
    noPicture: "To nie jest obraz, który da się pokazać.",
  },
  form: {
    changed: "zmienione",
    unset: "nie ustawiono",
    noJson: "To nie jest JSON.",
    noNumber: "To nie jest liczba.",
  },
  rest: {
    loading: "Wczytuję…",
    retry: "Spróbuj ponownie",
    slow: (seconds) => `Po ${seconds} s nie ma wyniku; zadanie może jeszcze trwać.`,
    noPanel: "Proces panelu nie odpowiada.",
    refused: (status) => `Panel odmówił (${status}).`,
  },
  signIn: {
    user: "Nazwa",
    password: "Hasło",
    needs: (role) => `Do tego trzeba roli ${role}; nadaje ją administrator`,
    submit: "Zaloguj się",
    out: "Wyloguj się",
    wrong: "Nazwa albo hasło się nie zgadza.",
    guesses: "Za dużo błędnych haseł z tego miejsca. Poczekaj chwilę i spróbuj znowu.",
    help: "Jeśli hasło ustawia RIDER_WEB_PASSWORD, nazwa to rider. Inne osoby dodaje: rider users add NAZWA",
  },
  connection: { connecting: "łączenie", live: "na żywo", lost: "brak połączenia" },
  verdict: {
    loading: "Sprawdzam…",
    well: "Wszystko w porządku",
    attention: (count) => plural(count, "rzecz wymaga uwagi", "rzeczy wymagają uwagi", "rzeczy wymaga uwagi"),
  },
  ago: {
    now: "teraz",
    seconds: (n) => `${n} s temu`,
    minutes: (n) => `${n} min temu`,
    hours: (n) => `${n} godz. temu`,
  },
  units: { ms: "ms", s: "s", min: "min", h: "godz.", mb: "MB", gb: "GB" },
  mock: "ATRAPA",
  mockTitle: "Wymyśliła to atrapa, nie prawdziwy silnik",
  none: "–",
};
