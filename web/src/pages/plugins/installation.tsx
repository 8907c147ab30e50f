// Installing and removing packages, as far as a setting allows it, and how far the latest change is.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { Button } from "../../parts/button";
import { Card, Empty, Moment, Pill } from "../../parts/card";
import { RemoteView } from "../../parts/remote-view";
import { useRemote } from "../../server/remote";
import type { InstallablePackage, PluginAction, PluginChangeView, PluginsView } from "../../server/resources";
import { refusal } from "../../server/session";
import { strings } from "../../strings";
import type { Tone } from "../../tones";
import { ConfirmChange } from "./confirm-change";

const words = strings.plugins.installation;
/** Between two looks at a change that runs, in ms. */
const EVERY_MS = 1_000;

interface InstallationProps { view: PluginsView; onEnd: () => Promise<void> }

export function InstallationCard({ view, onEnd }: InstallationProps): VNode {
  const latest = useRemote<PluginChangeView>("/plugins/change");
  const asked = useSignal<{ action: PluginAction; name: string } | null>(null);
  const running = latest.data.value?.running ?? false;
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => void (document.hidden || latest.reload()), EVERY_MS);
    return () => {
      clearInterval(timer);
      void onEnd();
    };
  }, [running]);
  return (
    <Card id="installation" heading={words.heading}>
      {view.installable.length
        ? <ul class="rows">{view.installable.map((it) => (
          <Row key={it.name} package={it} running={running} onAct={(action) => void (asked.value = { action, name: it.name })} />
        ))}</ul>
        : <Empty text={words.none} command={`${view.setting}=rider-voice-espeak`} />}
      <RemoteView remote={latest}>{(data) => data.change && <Progress view={data} />}</RemoteView>
      {asked.value && <ConfirmChange {...asked.value} onClose={() => void (asked.value = null)} onStart={latest.put} />}
    </Card>
  );
}

interface RowProps { package: InstallablePackage; running: boolean; onAct: (action: PluginAction) => void }

function Row({ package: { name, version }, running, onAct }: RowProps): VNode {
  const refused = refusal("admin") || (running ? words.busy : "");
  return (
    <li>
      <div class="what"><strong>{name}</strong> <span class="soft">{version ?? words.notInstalled}</span></div>
      {version === null
        ? <Button refused={refused} onAct={() => onAct("install")}>{words.install}</Button>
        : <Button kind="plain" refused={refused} onAct={() => onAct("remove")}>{words.remove}</Button>}
    </li>
  );
}

/** The latest change, with the lines of the installer. */
function Progress({ view: { change, running, interrupted, lines } }: { view: PluginChangeView }): VNode | null {
  const log = useRef<HTMLPreElement>(null);
  useEffect(() => {
    if (log.current) log.current.scrollTop = log.current.scrollHeight;
  }, [lines.length, running]);
  if (!change) return null;
  const failed = interrupted || change.phase === "failed";
  const tone: Tone = running ? "busy" : failed ? "bad" : "good";
  return (
    <div class={`plugin-change ${tone}`}>
      <div class="summary" role="status">
        <span><strong>{words.actions[change.action](change.package)}</strong> <span class="soft">{change.by}, <Moment ts={change.ended_ts ?? change.started_ts} /></span></span>
        <Pill tone={tone} text={interrupted ? words.interrupted : words.phases[change.phase]} />
      </div>
      {interrupted && <p class="reason">{words.interruptedRemedy}</p>}
      {change.problem && <p class="reason">{change.problem}</p>}
      {change.remedy && <p class="remedy soft">{change.remedy}</p>}
      {lines.length > 0 && (
        <details open={running || failed}><summary>{words.log}</summary><pre ref={log} tabIndex={0} aria-label={words.log}>{lines.join("\n")}</pre></details>
      )}
    </div>
  );
}
