// Our processes and Redis, and whether they run.

import type { ComponentChildren, VNode } from "preact";

import { isGap } from "../attention";
import { Card, Empty, MockBadge, Moment, Pill } from "../parts/card";
import { sections } from "../server/state";
import { strings } from "../strings";
import type { Process, Redis } from "../server/messages";

const words = strings.processes;
const ORDER = ["link", "worker", "scheduler", "panel"];

export function ProcessesCard(): VNode {
  const processes = sections.processes.value ?? [], redis = sections.redis.value;
  const rank = (process: Process): number => (ORDER.includes(process.role) ? ORDER.indexOf(process.role) : ORDER.length);
  const sorted = [...processes].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  return (
    <Card id="processes" heading={words.heading}>
      {!processes.length && <Empty text={words.empty} command={words.emptyCommand} />}
      <ul class="rows">
        {sorted.map((process) => <ProcessRow key={process.name} process={process} />)}
        {redis && <RedisRow redis={redis} />}
      </ul>
    </Card>
  );
}

interface RowProps { title: string; gone: boolean; state: VNode; children: ComponentChildren }

function Row({ title, gone, state, children }: RowProps): VNode {
  return (
    <li class={gone ? "gone" : undefined}>
      <div class="what"><strong>{title}</strong><div class="soft detail">{children}</div></div>
      {state}
    </li>
  );
}

function ProcessRow({ process }: { process: Process }): VNode {
  const role = words.roles[process.role] ?? process.role;
  const sameName = process.name.toLowerCase() === role.toLowerCase();
  const hasDetail = process.queues.length || process.providers.length || !process.alive;
  return (
    <Row title={sameName ? role : `${role} · ${process.name}`} gone={!process.alive} state={<State process={process} />}>
      {process.queues.length > 0 && <span>{words.serves} {process.queues.join(", ")}</span>}
      {process.providers.map((provider) => (
        <span key={provider.name} title={provider.details || undefined}>{provider.name}<MockBadge mock={provider.mock} /></span>
      ))}
      {!process.alive && <span><Moment ts={process.heard_ts} /></span>}
      {!hasDetail && process.pid !== null && <span>pid {process.pid}</span>}
    </Row>
  );
}

function State({ process }: { process: Process }): VNode {
  const faults = process.problems.filter((problem) => !isGap(problem, sections.plugins.value));
  if (process.state === "stopped") return <Pill tone="quiet" text={words.states["stopped"]!} />;
  if (!process.alive) return <Pill tone="bad" text={words.states["silent"]!} />;
  if (faults.length) return <Pill tone="warn" text={words.states[process.state] ?? process.state} title={faults.join("\n")} />;
  if (process.state === "busy") return <Pill tone="busy" text={words.states["busy"]!} />;
  return <Pill tone="good" text={words.states[process.state] ?? (process.state || words.running)} />;
}

function RedisRow({ redis }: { redis: Redis }): VNode {
  const detail = [
    redis.embedded ? words.embedded : redis.address,
    redis.up && redis.product ? `${redis.product} ${redis.version ?? ""}`.trim() : "",
    redis.up && redis.memory_mb !== undefined ? `${redis.memory_mb} ${strings.units.mb}` : "",
    redis.up ? "" : redis.reason,
  ].filter(Boolean);
  return (
    <Row title={words.redis} gone={!redis.up} state={<RedisState redis={redis} />}>
      {detail.map((text) => <span key={text}>{text}</span>)}
    </Row>
  );
}

function RedisState({ redis }: { redis: Redis }): VNode {
  if (!redis.up) return <Pill tone="bad" text={words.redisDown} />;
  if (redis.write_problem) return <Pill tone="bad" text={words.redisFull} title={redis.write_problem} />;
  return <Pill tone="good" text={words.redisUp} />;
}
