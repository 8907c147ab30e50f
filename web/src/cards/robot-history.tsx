// What happened to the robot: who switched its domains and why, and when it or the link was away.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";

import { duration } from "../format";
import { Card, Empty, Icon, Moment, Pill } from "../parts/card";
import { RemoteView } from "../parts/remote-view";
import { useRemote } from "../server/remote";
import type { Remote } from "../server/remote";
import type { Outage, Switch } from "../server/resources";
import { clock, sections } from "../server/state";
import { strings } from "../strings";
import { who, why } from "../switched";

const words = strings.robots;
const KINDS = ["all", "switches", "outages"] as const;

type Entry = { ts: number } & ({ change: Switch } | { outage: Outage });

export function RobotHistory(): VNode {
  const kind = useSignal<(typeof KINDS)[number]>("all");
  const about = useSignal("");
  const switches = useRemote<{ switches: Switch[] }>("/robots/rider/switches");
  const outages = useRemote<{ outages: Outage[] }>("/robots/rider/outages");
  // The link tells of each change of the domains, the panel of each outage that it has written.
  useEffect(() => void switches.reload(), [JSON.stringify(sections.robot.value?.domains)]);
  useEffect(() => void outages.reload(), [sections.outages.value?.written]);
  const abouts = kind.value === "switches" ? Object.keys(strings.robot.domains) : kind.value === "outages" ? Object.keys(words.outages) : [];
  const choose = (chosen: (typeof KINDS)[number]): void => {
    kind.value = chosen;
    about.value = "";
  };
  return (
    <Card id="robot-history" heading={words.history} aside={
      <>
        {abouts.length > 0 && (
          <select aria-label={words.about} value={about.value} onChange={(event) => void (about.value = event.currentTarget.value)}>
            <option value="">{words.everything}</option>
            {abouts.map((each) => <option key={each} value={each}>{strings.robot.domains[each] ?? words.outages[each]}</option>)}
          </select>
        )}
        <span class="switch" role="group" aria-label={words.shown}>
          {KINDS.map((each) => <button type="button" key={each} aria-pressed={kind.value === each} onClick={() => choose(each)}>{words.kinds[each]}</button>)}
        </span>
      </>
    }>
      <Entries switches={switches} outages={outages} kind={kind.value} about={about.value} />
    </Card>
  );
}

interface EntriesProps { switches: Remote<{ switches: Switch[] }>; outages: Remote<{ outages: Outage[] }>; kind: (typeof KINDS)[number]; about: string }

/** The link has the switches, the database the outages: one is shown while the other cannot be read. */
function Entries({ switches, outages, kind, about }: EntriesProps): VNode {
  const found: Entry[] = [
    ...(kind === "outages" ? [] : switches.data.value?.switches ?? [])
      .filter((change) => !about || change.domain === about).map((change) => ({ ts: change.ts, change })),
    ...(kind === "switches" ? [] : outages.data.value?.outages ?? [])
      .filter((outage) => !about || outage.what === about).map((outage) => ({ ts: outage.begin_ts, outage })),
  ].sort((a, b) => b.ts - a.ts);
  const both = switches.data.value !== null && outages.data.value !== null;
  return (
    <>
      {kind !== "outages" && (!switches.data.value || switches.problem.value) && <RemoteView remote={switches}>{() => null}</RemoteView>}
      {kind !== "switches" && (!outages.data.value || outages.problem.value) && <RemoteView remote={outages}>{() => null}</RemoteView>}
      {found.length
        ? <ul class="rows">{found.map((each) => "change" in each
          ? <SwitchRow key={`${each.ts}${each.change.domain}`} change={each.change} /> : <OutageRow key={`${each.ts}${each.outage.what}`} outage={each.outage} />)}</ul>
        : both && <Empty text={words.noHistory[kind]} />}
    </>
  );
}

function OutageRow({ outage: { what, begin_ts: begin, end_ts: end, why: reason } }: { outage: Outage }): VNode {
  return (
    <li class="outage">
      <div class="what">
        <strong><Icon tone={end === null ? "bad" : "warn"} /> {words.away[what]}</strong>
        <div class="soft detail"><span>{words.lasted(duration((end ?? clock.value) - begin))}</span><span>{why(reason)}</span></div>
      </div>
      {end === null ? <Pill tone="bad" text={words.lasts} /> : <span class="soft"><Moment ts={begin} /></span>}
    </li>
  );
}

function SwitchRow({ change: { ts, domain, mode, by, reason } }: { change: Switch }): VNode {
  return (
    <li>
      <div class="what">
        <strong>{strings.robot.domains[domain] ?? domain}</strong> → {mode === "pc" ? strings.robot.pc : strings.robot.local}
        <div class="soft detail"><span>{who(by)}</span>{why(reason) && <span>{why(reason)}</span>}</div>
      </div>
      <span class="soft"><Moment ts={ts} /></span>
    </li>
  );
}
