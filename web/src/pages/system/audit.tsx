// Who changed what, the latest first.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";

import { Button } from "../../parts/button";
import { Card, Empty, Moment } from "../../parts/card";
import { RemoteView } from "../../parts/remote-view";
import { useRemote } from "../../server/remote";
import type { AuditEntry } from "../../server/resources";
import { send } from "../../server/rest";
import { strings } from "../../strings";

const words = strings.system.audit;

interface Page { entries: AuditEntry[]; next: number | null }

export function AuditSection(): VNode {
  const first = useRemote<Page>("/audit?limit=50");
  const later = useSignal<Page | null>(null);
  const more = async (): Promise<void> => {
    const before = later.value ?? first.data.value!;
    const { entries, next } = (await send("GET", `/audit?limit=50&cursor=${before.next}`)).body as Page;
    later.value = { entries: [...(later.value?.entries ?? []), ...entries], next };
  };
  return (
    <Card id="audit" heading={words.heading}>
      <RemoteView remote={first}>
        {({ entries, next }) => (
          <>
            {entries.length ? (
              <ul class="rows audit">{[...entries, ...(later.value?.entries ?? [])].map((entry) => <Row key={entry.id} entry={entry} />)}</ul>
            ) : <Empty text={words.none} />}
            {(later.value ? later.value.next : next) !== null && <Button onAct={more}>{words.more}</Button>}
          </>
        )}
      </RemoteView>
    </Card>
  );
}

function Row({ entry: { ts, who, address, action, target, status, before, after } }: { entry: AuditEntry }): VNode {
  return (
    <li>
      <div class="what">
        <strong>{words.actions[action] ?? action}</strong> <code class="soft">{target.replace("/api/v1/", "")}</code>
        <div class="soft detail"><span>{who}</span><span>{address}</span>{status >= 400 && <span class="bad">{status}</span>}</div>
        {(before !== null || after !== null) && (
          <details><summary>{words.details}</summary>
            {before !== null && <><h4>{words.before}</h4><pre tabIndex={0}>{JSON.stringify(before, null, 2)}</pre></>}
            {after !== null && <><h4>{words.after}</h4><pre tabIndex={0}>{JSON.stringify(after, null, 2)}</pre></>}
          </details>
        )}
      </div>
      <span class="soft"><Moment ts={ts} /></span>
    </li>
  );
}
