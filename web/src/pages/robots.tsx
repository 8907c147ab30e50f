// The robot: what it tells, who serves its domains, how it is connected, and what happened to that.

import type { VNode } from "preact";
import { useEffect } from "preact/hooks";

import { RobotCard } from "../cards/robot";
import { TelemetryCard } from "../cards/telemetry";
import { Card, Icon, Moment, Pill } from "../parts/card";
import { RobotHistory } from "../cards/robot-history";
import { RemoteView } from "../parts/remote-view";
import { useRemote } from "../server/remote";
import type { NamedRobot, RobotView } from "../server/resources";
import { sections } from "../server/state";
import { strings } from "../strings";

const words = strings.robots;

export function RobotsPage(): VNode {
  const robots = useRemote<{ robots: NamedRobot[] }>("/robots");
  // The link tells of each change of the robot's domains and of its connection.
  const told = sections.robot.value;
  useEffect(() => void robots.reload(), [told?.ts, told?.up, JSON.stringify(told?.domains)]);
  return (
    <div class="robots-page">
      <div class="stack">
        <RobotCard />
        <TelemetryCard />
        <Card id="connections" heading={words.connections}>
          <RemoteView remote={robots}>
            {({ robots: [robot] }) => robot?.state ? <Connections state={robot.state} /> : (
              <div class="trouble"><Icon tone="bad" /><div><strong>{robot?.problem}</strong><span class="remedy">{robot?.remedy}</span></div></div>
            )}
          </RemoteView>
        </Card>
      </div>
      <RobotHistory />
    </div>
  );
}

function Connections({ state }: { state: RobotView }): VNode {
  const { bus, heartbeat, work } = state;
  const done = Object.entries(work).filter(([, outcomes]) => Object.keys(outcomes).length);
  return (
    <ul class="rows">
      <li>
        <div class="what"><strong>{words.bus}</strong><div class="soft detail">
          <span>{words.toRobot} {bus.to_robot ? "✓" : "✗"}</span><span>{words.fromRobot} {bus.from_robot ? "✓" : "✗"}</span>
        </div>{bus.problem && <p class="reason">{bus.problem}</p>}</div>
        <Pill tone={bus.up ? "good" : "bad"} text={bus.up ? words.works : words.broken} />
      </li>
      <li>
        <div class="what"><strong>{words.heartbeat}</strong><div class="soft detail">
          <span>{state.base_url}</span>{heartbeat.sent_ts !== null && <span><Moment ts={heartbeat.sent_ts} /></span>}
        </div>{heartbeat.problem && <p class="reason">{heartbeat.problem}</p>}</div>
        <Pill tone={heartbeat.answered ? "good" : "bad"} text={heartbeat.answered ? words.answered : words.notAnswered} />
      </li>
      {done.map(([domain, outcomes]) => (
        <li key={domain}>
          <div class="what"><strong>{words.work(strings.robot.domains[domain] ?? domain)}</strong><div class="soft detail">
            {Object.entries(outcomes).map(([outcome, count]) => <span key={outcome}>{words.outcomes[outcome] ?? outcome} {count}</span>)}
          </div></div>
        </li>
      ))}
    </ul>
  );
}
