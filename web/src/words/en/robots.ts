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
  outcomes: {} as Record<string, string>,
  history: "Switches",
  noHistory: "No domain has been switched since the link started.",
};
