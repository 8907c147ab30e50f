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
  outcomes: {},
  history: "Przełączenia",
  noHistory: "Od startu linku niczego nie przełączono.",
};
