// The history of an engine's settings: who changed which values. An earlier state can be restored.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";

import { Button } from "../../parts/button";
import { Empty, Moment } from "../../parts/card";
import { RemoteView } from "../../parts/remote-view";
import { useRemote } from "../../server/remote";
import type { AuditEntry, Fields } from "../../server/resources";
import { strings } from "../../strings";

const words = strings.providers.history;
const SHOWN = 20;
/** What the server shows in the place of a secret. */
const HIDDEN = "***";

interface HistoryProps {
  /** Path of the settings, relative to `/api/v1`. */
  path: string;
  onGoBack: (saved: Fields) => Promise<void>;
}

/** The entries are requested when the section is opened. */
export function SettingsHistory({ path, onGoBack }: HistoryProps): VNode {
  const isOpen = useSignal(false);
  const target = encodeURIComponent(`/api/v1${path}`);
  const remote = useRemote<{ entries: AuditEntry[] }>(isOpen.value ? `/audit?limit=${SHOWN}&target=${target}` : null);
  return (
    <details class="history" onToggle={(event) => void (isOpen.value = event.currentTarget.open)}>
      <summary>{words.heading}</summary>
      {isOpen.value && (
        <RemoteView remote={remote}>
          {({ entries }) => entries.length
            ? <ol class="rows">{entries.map((entry) => <Row key={entry.id} entry={entry} onGoBack={onGoBack} />)}</ol>
            : <Empty text={words.none} />}
        </RemoteView>
      )}
    </details>
  );
}

function Row({ entry, onGoBack }: { entry: AuditEntry; onGoBack: HistoryProps["onGoBack"] }): VNode | null {
  const before = fieldsOf(entry.before), after = fieldsOf(entry.after);
  // A reset has no new values; it removes the saved ones.
  const names = Object.keys(after ?? before ?? {});
  if (!names.length) return null;  // it was saved as it was
  return (
    <li>
      <div class="what">
        {names.map((name) => <p key={name}><code>{name}</code> <Value of={before?.[name]} isPast /> → <Value of={after?.[name]} /></p>)}
        <div class="soft detail"><span>{entry.who}</span><Moment ts={entry.ts} /></div>
      </div>
      {before && isKnown(before) && <Button kind="plain" title={words.goBackHint} onAct={() => onGoBack(before)}>{words.goBack}</Button>}
    </li>
  );
}

/** Settings of an audit entry; null: none, or too long to be recorded. */
function fieldsOf(value: unknown): Fields | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

function Value({ of: value, isPast = false }: { of: unknown; isPast?: boolean }): VNode {
  if (value === undefined) return <span class="soft">{words.unset}</span>;
  const text = JSON.stringify(value);
  return isPast ? <s>{text}</s> : <>{text}</>;
}

/** Whether the settings can be restored: the log has no secrets. */
export function isKnown(saved: Fields): boolean {
  return !JSON.stringify(saved).includes(HIDDEN);
}
