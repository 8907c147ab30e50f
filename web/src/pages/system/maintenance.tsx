// A backup to download, and the support bundle: shown before it leaves this machine.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";

import { Button } from "../../parts/button";
import { Card } from "../../parts/card";
import { areYouSure } from "../../parts/dialog";
import { notify } from "../../parts/notices";
import { saveFile } from "../../parts/files";
import { download, send } from "../../server/rest";
import { refusal } from "../../server/session";
import { strings } from "../../strings";

const words = strings.system.maintenance;
/** `rider doctor` looks at every engine and model, and a large database takes its time: in ms. */
const LIMIT_MS = 180_000;

interface BundleFile { name: string; about: string; text: string }

export function MaintenanceSection(): VNode {
  return <div class="maintenance"><Backup /><Support /></div>;
}

function Backup(): VNode {
  const make = async (): Promise<void> => {
    if (!(await areYouSure(words.backup, words.backupSure, words.download))) return;
    saveFile(await download("POST", "/backups", LIMIT_MS));
    notify(words.backupMade);
  };
  return (
    <Card id="backup" heading={words.backup}>
      <p>{words.backupHas}</p>
      <ul>{words.backupParts.map((part) => <li key={part}>{part}</li>)}</ul>
      <p class="soft">{words.notInIt}</p>
      <div class="buttons"><Button kind="primary" refused={refusal("admin")} onAct={make}>{words.makeBackup}</Button></div>
      <p class="soft">{words.restore} <code>rider backup restore FILE</code></p>
    </Card>
  );
}

function Support(): VNode {
  const files = useSignal<readonly BundleFile[] | null>(null);
  const look = async (): Promise<void> => {
    const { body } = await send("GET", "/support", undefined, {}, LIMIT_MS);
    files.value = (body as { files: BundleFile[] }).files;
  };
  const save = async (): Promise<void> => {
    saveFile(await download("GET", "/support/bundle", LIMIT_MS));
    notify(words.bundleMade);
  };
  return (
    <Card id="support" heading={words.support}>
      <p>{words.supportHas}</p>
      <p class="soft">{words.supportLacks}</p>
      <div class="buttons">
        <Button kind={files.value ? "usual" : "primary"} refused={refusal("admin")} onAct={look}>{files.value ? words.lookAgain : words.look}</Button>
        <Button kind={files.value ? "primary" : "usual"} refused={refusal("admin") || (files.value ? "" : words.lookFirst)} onAct={save}>{words.download}</Button>
      </div>
      {files.value && (
        <ul class="rows bundle">
          {files.value.map(({ name, about, text }) => (
            <li key={name}>
              <details class="what">
                <summary><code>{name}</code> {words.parts[name] ?? about} <span class="soft">{words.size(new Blob([text]).size)}</span></summary>
                <pre tabIndex={0} aria-label={name}>{text}</pre>
              </details>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
