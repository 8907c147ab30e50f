// The page of the robot.

export const robots = {
  connections: "Connections",
  bus: "Message bus",
  toRobot: "to the robot",
  fromRobot: "from the robot",
  heartbeat: "Heartbeat to the robot",
  works: "works",
  broken: "broken",
  answered: "answered",
  notAnswered: "no answer",
  work: (domain: string) => `${domain} for the robot`,
  outcomes: {
    no_speech: "no speech", too_short: "too short", broken_off: "broken off", too_many: "too many",
  } as Record<string, string>,
  history: "What happened",
  noHistory: {
    all: "No domain has been switched, and nothing was away.", switches: "No domain has been switched.", outages: "Nothing was away.",
  },
  shown: "What is shown",
  kinds: { all: "All", switches: "Switches", outages: "Outages" },
  about: "Of what",
  everything: "everything",
  outages: { bus: "Message bus", http: "HTTP interface", link: "Link" } as Record<string, string>,
  away: {
    bus: "The robot's message bus was away", http: "The robot's HTTP interface was away", link: "The link was away",
  } as Record<string, string>,
  lasted: (time: string) => `for ${time}`,
  lasts: "lasts",
};
