// The robot: its address, whether it answers, and which side serves each domain.

import type { VNode } from "preact";

import { Card, Empty, Icon, Pill } from "../parts/card";
import { linkAlive, sections } from "../server/state";
import { strings } from "../strings";
import { told } from "../told";
import type { Restart, Robot } from "../server/messages";
import { Domains } from "./domains";
import { BriefTelemetry } from "./telemetry";

const words = strings.robot;

/** `brief`: with its place and motion in a line. */
export function RobotCard({ brief = false }: { brief?: boolean }): VNode {
  const robot = sections.robot.value;
  if (!robot) return <Card id="robot" heading={words.heading}><Empty text={words.domainsEmpty} /></Card>;
  const domains = robot.domains ?? {};
  return (
    <Card id="robot" heading={words.heading} aside={<Link robot={robot} />}>
      <div>
        <p class="lead">
          <span class="address">{robot.address || strings.none}</span>
          {robot.simulated && <span class="tag" title={words.simulatedTitle}>{words.simulated}</span>}
        </p>
        {robot.reason && <p class="reason">{told(robot.reason)}</p>}
        {typeof robot.battery_pct === "number" && <Battery percent={robot.battery_pct} />}
        {brief && <BriefTelemetry />}
        {(robot.restarts ?? []).map((restart) => <RestartNote key={restart.command} restart={restart} />)}
      </div>
      {Object.keys(domains).length ? <Domains known={domains} /> : <Empty text={words.domainsEmpty} />}
    </Card>
  );
}

function Link({ robot }: { robot: Robot }): VNode {
  if (robot.up === true && linkAlive.value) return <Pill tone="good" text={words.up} />;
  if (robot.up === false) return <Pill tone="bad" text={words.down} title={told(robot.reason ?? "")} />;
  return <Pill tone="quiet" text={words.unknown} />;
}

function Battery({ percent }: { percent: number }): VNode {
  return (
    <p class="battery">
      <span class="soft">{words.battery}</span>
      <span class={percent < 20 ? "meter low" : "meter"} style={{ "--part": String(percent / 100) }} aria-hidden="true"><i /></span>
      {Math.round(percent)} %
    </p>
  );
}

function RestartNote({ restart }: { restart: Restart }): VNode {
  return (
    <div class="restart" role="status">
      <Icon tone="warn" />
      <div>
        <strong>{words.restart(restart.what)}</strong>
        <span class="soft">{restart.why}</span>
        <span class="soft">{words.onTheRobot} <code>{restart.command}</code></span>
      </div>
    </div>
  );
}
