// What the robot tells about itself.

export const telemetry = {
  heading: "What the robot tells",
  position: "Position",
  motion: "Motion",
  tilt: "Tilt",
  firmware: "Firmware",
  reached: "Connection",
  notTold: "not told",
  old: "out of date",
  ahead: (metres: string) => `ahead ${metres}`,
  behind: (metres: string) => `behind ${metres}`,
  left: (metres: string) => `left ${metres}`,
  right: (metres: string) => `right ${metres}`,
  stands: "stands still",
  moves: "moves",
  emergency: "emergency stop",
  forward: (share: string) => `forward ${share}`,
  backward: (share: string) => `backward ${share}`,
  turnsLeft: (share: string) => `turning left ${share}`,
  turnsRight: (share: string) => `turning right ${share}`,
  tilted: (roll: string, pitch: string, yaw: string) => `roll ${roll} · pitch ${pitch} · yaw ${yaw}`,
  quality: (bus: string, http: string, rate: number) => `bus ${bus} · HTTP ${http} · ${rate} messages/s`,
  described: (ahead: string, left: string, heading: string) =>
    `The robot from above: ${ahead} ahead of its start, ${left} to the left, heading ${heading}`,
  reach: (metres: number) => `radius ${metres} m`,
};
