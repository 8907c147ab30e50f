// The page of the robot.

import type { robots as english } from "../en/robots";

export const robots: typeof english = {
  connections: "Połączenia",
  bus: "Szyna komunikatów",
  toRobot: "do robota",
  fromRobot: "od robota",
  heartbeat: "Sygnał życia do robota",
  works: "działa",
  broken: "przerwana",
  answered: "odpowiada",
  notAnswered: "brak odpowiedzi",
  work: (domain) => `${domain} dla robota`,
  outcomes: {
    recognised: "rozpoznane", no_speech: "bez mowy", too_short: "za krótkie", broken_off: "przerwane", too_many: "zbyt wiele",
    refused: "odrzucone", late: "spóźnione", failed: "nieudane", spoken: "wypowiedziane", interrupted: "przerwane",
    seen: "obejrzane", replaced: "zastąpione nowszymi", repeated: "powtórzone", frozen: "zamrożone", expired: "przeterminowane",
    unwanted: "niepotrzebne",
  },
  history: "Co się działo",
  noHistory: {
    all: "Niczego nie przełączono i nic nie zawiodło.", switches: "Niczego nie przełączono.", outages: "Nie było żadnej przerwy.",
  },
  shown: "Co pokazać",
  kinds: { all: "Wszystko", switches: "Przełączenia", outages: "Przerwy" },
  about: "Czego",
  everything: "wszystkiego",
  outages: { bus: "Szyna komunikatów", http: "Interfejs HTTP", link: "Link" },
  away: {
    bus: "Przerwa szyny komunikatów robota", http: "Przerwa interfejsu HTTP robota", link: "Przerwa linku",
  },
  lasted: (time) => `przez ${time}`,
  lasts: "trwa",
};
