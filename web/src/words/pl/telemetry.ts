// What the robot tells about itself.

import type { telemetry as english } from "../en/telemetry";

export const telemetry: typeof english = {
  heading: "Co mówi o sobie robot",
  position: "Położenie",
  motion: "Ruch",
  tilt: "Przechył",
  firmware: "Oprogramowanie",
  reached: "Łącze",
  notTold: "nie podaje",
  old: "nieaktualne",
  ahead: (metres) => `w przód ${metres}`,
  behind: (metres) => `w tył ${metres}`,
  left: (metres) => `w lewo ${metres}`,
  right: (metres) => `w prawo ${metres}`,
  stands: "stoi",
  moves: "jedzie",
  emergency: "zatrzymany awaryjnie",
  forward: (share) => `jedzie naprzód, ${share}`,
  backward: (share) => `jedzie do tyłu, ${share}`,
  turnsLeft: (share) => `skręca w lewo, ${share}`,
  turnsRight: (share) => `skręca w prawo, ${share}`,
  tilted: (roll, pitch, yaw) => `na bok ${roll} · w przód ${pitch} · obrót ${yaw}`,
  quality: (bus, http, rate) => `szyna ${bus} · HTTP ${http} · ${rate} komunikatów/s`,
  described: (ahead, left, heading) => `Robot z góry: ${ahead} przed miejscem startu, ${left} w lewo, zwrócony o ${heading}`,
  reach: (metres) => `promień ${metres} m`,
};
