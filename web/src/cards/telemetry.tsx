// What the robot tells about itself, each with its age: pose, motion, battery, tilt, and how well it is reached.

import type { ComponentChildren, VNode } from "preact";

import { degrees, distance, milliseconds, percent } from "../format";
import { Card, Moment } from "../parts/card";
import { PoseMap } from "../parts/pose-map";
import type { Telemetry } from "../server/messages";
import { clock, sections } from "../server/state";
import { strings } from "../strings";

const words = strings.telemetry;
/** The robot tells each at least twice a second, and the link once a second what it told: older is out of date. */
const OLD_S = 5;

function isOld(told: { ts: number }): boolean {
  return clock.value - told.ts > OLD_S;
}

export function TelemetryCard(): VNode {
  const told = sections.telemetry.value;
  const { pose = null, motion = null, body = null, attitude = null, link = null } = told ?? {};
  return (
    <Card id="telemetry" heading={words.heading}>
      <div class="telemetry">
        {pose && <PoseMap pose={pose} moving={motion?.moving === true} old={isOld(pose)} />}
        <dl>
          <Fact name={words.position} told={pose}>{pose && placed(pose)}</Fact>
          <Fact name={words.motion} told={motion}>{motion && moved(motion)}</Fact>
          <Fact name={strings.robot.battery} told={body?.battery_pct == null ? null : body}>{body?.battery_pct != null && percent(body.battery_pct / 100)}</Fact>
          <Fact name={words.tilt} told={attitude}>{attitude && words.tilted(degrees(attitude.roll_deg), degrees(attitude.pitch_deg), degrees(attitude.yaw_deg))}</Fact>
          <Fact name={words.firmware} told={body?.firmware ? body : null}>{body?.firmware}</Fact>
          <Fact name={words.reached} told={link}>{link && words.quality(milliseconds(link.bus_ms), milliseconds(link.http_ms), Math.round(link.messages_per_s))}</Fact>
        </dl>
      </div>
    </Card>
  );
}

interface FactProps { name: string; told: { ts: number } | null; children: ComponentChildren }

function Fact({ name, told, children }: FactProps): VNode {
  const old = told !== null && isOld(told);
  return (
    <div class={old ? "old" : undefined}>
      <dt>{name}</dt>
      {told ? <dd>{children}</dd> : <dd class="soft">{words.notTold}</dd>}
      <dd class="age soft">{told && <>{old && <span class="tag">{words.old}</span>} <Moment ts={told.ts} /></>}</dd>
    </div>
  );
}

/** "ahead 1.2 m · right 0.4 m · −30.0°": from its start, and where it looks, to the left positive. */
function placed({ x_m: x, y_m: y, heading_deg: heading }: NonNullable<Telemetry["pose"]>): string {
  const along = (x < 0 ? words.behind : words.ahead)(distance(Math.abs(x)));
  const beside = (y < 0 ? words.right : words.left)(distance(Math.abs(y)));
  return `${along} · ${beside} · ${degrees(heading - 360 * Math.round(heading / 360))}`;
}

function moved({ moving, forward, turn, emergency_stop: stopped }: NonNullable<Telemetry["motion"]>): string {
  if (stopped) return words.emergency;
  if (moving === null) return words.notTold;
  if (!moving) return words.stands;
  const parts = [
    forward ? (forward > 0 ? words.forward : words.backward)(percent(Math.abs(forward))) : "",
    turn ? (turn > 0 ? words.turnsLeft : words.turnsRight)(percent(Math.abs(turn))) : "",
  ];
  return parts.filter(Boolean).join(", ") || words.moves;
}

/** Its place and motion in a line, with a small map; nothing where the robot never told them. */
export function BriefTelemetry(): VNode | null {
  const { pose = null, motion = null } = sections.telemetry.value ?? {};
  if (!pose && !motion) return null;
  const old = isOld((pose ?? motion)!);
  return (
    <div class={old ? "brief-telemetry old" : "brief-telemetry"}>
      {pose && <PoseMap pose={pose} moving={motion?.moving === true} old={old} />}
      <div>
        {motion && <strong>{moved(motion)}</strong>}
        {pose && <span class="soft">{placed(pose)}</span>}
        {old && <span class="soft"><span class="tag">{words.old}</span> <Moment ts={(pose ?? motion)!.ts} /></span>}
      </div>
    </div>
  );
}
