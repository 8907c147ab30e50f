// Keys for programs: each with what it may do, and until when. Its secret is shown once.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";

import { dateTime } from "../../format";
import { Button } from "../../parts/button";
import { Moment } from "../../parts/card";
import { Dialog, areYouSure } from "../../parts/dialog";
import { DialogForm } from "../../parts/dialog-form";
import { copy, notify } from "../../parts/notices";
import { useRemote } from "../../server/remote";
import type { Token } from "../../server/resources";
import { send } from "../../server/rest";
import { ROOT } from "../../server/root";
import { refusal } from "../../server/session";
import { clock } from "../../server/state";
import { strings } from "../../strings";
import { ListSection } from "./list-section";
import { RoleChoice } from "./users";

const words = strings.system.tokens;
/** Days that a key may live; empty: it does not expire. */
const LIFETIMES = ["30", "365", ""];
const DAY_S = 86_400;

export function TokensSection(): VNode {
  const view = useRemote<{ tokens: Token[] }>("/tokens");
  return (
    <ListSection
      id="tokens" heading={words.heading} remote={view} add={words.add} none={words.none}
      rows={({ tokens }) => tokens.map((token) => <Row key={token.id} token={token} reload={view.reload} />)}
      dialog={(onClose) => <NewToken onClose={onClose} reload={view.reload} />}
      aside={<a class="plain" href={`${ROOT}/system/api`}>{strings.system.api.link}</a>}
    />
  );
}

function Row({ token, reload }: { token: Token; reload: () => Promise<void> }): VNode {
  const expired = token.expires_ts !== null && token.expires_ts <= clock.value;
  const remove = async (): Promise<void> => {
    if (!(await areYouSure(words.delete, words.deleteSure(token.name), words.delete))) return;
    await send("DELETE", `/tokens/${token.id}`);
    notify(words.deleted(token.name));
    await reload();
  };
  return (
    <li class={expired ? "gone" : undefined}>
      <div class="what">
        <strong>{token.name}</strong> <span class="tag">{strings.system.users.roles[token.role]}</span>
        <div class="soft detail">
          <code>{token.id}</code><span>{token.created_by}</span><span><Moment ts={token.created_ts} /></span>
          <span>{token.expires_ts === null ? words.never : expired ? words.expired : words.until(dateTime(token.expires_ts))}</span>
        </div>
      </div>
      <Button kind="plain" refused={refusal("admin")} onAct={remove}>{words.delete}</Button>
    </li>
  );
}

function NewToken({ onClose, reload }: { onClose: () => void; reload: () => Promise<void> }): VNode {
  const secret = useSignal("");
  const make = async (form: FormData): Promise<void> => {
    const days = String(form.get("days"));
    const { body } = await send("POST", "/tokens", {
      name: form.get("name"), role: form.get("role"), lifetime_s: days ? Number(days) * DAY_S : null,
    });
    secret.value = (body as { secret: string }).secret;
    await reload();
  };
  return (
    <Dialog heading={words.add} onClose={onClose}>
      {secret.value ? (
        <>
          <p>{words.once}</p>
          <p class="secret"><code>{secret.value}</code></p>
          <div class="buttons">
            <Button onAct={() => copy(secret.value, words.copied, words.notCopied)}>{words.copy}</Button>
            <button type="button" class="primary" onClick={onClose}>{strings.actions.close}</button>
          </div>
        </>
      ) : (
        <DialogForm action={words.add} onClose={onClose} onSubmit={make}>
          <label class="field">{words.name}<input name="name" required maxLength={64} autocomplete="off" spellcheck={false} /></label>
          <RoleChoice />
          <label class="field">{words.lifetime}
            <select name="days">{LIFETIMES.map((days) => <option key={days} value={days}>{days ? words.days(Number(days)) : words.never}</option>)}</select>
          </label>
        </DialogForm>
      )}
    </Dialog>
  );
}
