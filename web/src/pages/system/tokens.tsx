// Keys for programs: each with what it may do, and until when. Its secret is shown once.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";

import { dateTime } from "../../format";
import { Button } from "../../parts/button";
import { Card, Empty, Icon, Moment } from "../../parts/card";
import { Dialog, areYouSure } from "../../parts/dialog";
import { notify } from "../../parts/notices";
import { ProblemText } from "../../parts/problem-text";
import { RemoteView } from "../../parts/remote-view";
import { useRemote } from "../../server/remote";
import type { Token } from "../../server/resources";
import { Problem, send } from "../../server/rest";
import { refusal } from "../../server/session";
import { clock } from "../../server/state";
import { strings } from "../../strings";
import { RoleChoice } from "./users";

const words = strings.system.tokens;
/** Days that a key may live; empty: it does not expire. */
const LIFETIMES = ["30", "365", ""];
const DAY_S = 86_400;

export function TokensSection(): VNode {
  const view = useRemote<{ tokens: Token[] }>("/tokens");
  const open = useSignal(false);
  return (
    <Card id="tokens" heading={words.heading} aside={
      <Button kind="primary" refused={refusal("admin")} onAct={() => void (open.value = true)}>{words.add}</Button>
    }>
      <RemoteView remote={view}>
        {({ tokens }) => tokens.length
          ? <ul class="rows">{tokens.map((token) => <Row key={token.id} token={token} reload={view.reload} />)}</ul>
          : <Empty text={words.none} />}
      </RemoteView>
      {open.value && <NewToken onClose={() => void (open.value = false)} reload={view.reload} />}
    </Card>
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
  const problem = useSignal<Problem | null>(null);
  const secret = useSignal("");
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const days = String(form.get("days"));
    problem.value = null;
    try {
      const { body } = await send("POST", "/tokens", {
        name: form.get("name"), role: form.get("role"), lifetime_s: days ? Number(days) * DAY_S : null,
      });
      secret.value = (body as { secret: string }).secret;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem.value = error;
      return;
    }
    await reload();
  };
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(secret.value).then(() => notify(words.copied), () => notify(words.notCopied, "warn"));
  };
  return (
    <Dialog heading={words.add} onClose={onClose}>
      {secret.value ? (
        <>
          <p>{words.once}</p>
          <p class="secret"><code>{secret.value}</code></p>
          <div class="buttons">
            <Button onAct={copy}>{words.copy}</Button>
            <button type="button" class="primary" onClick={onClose}>{strings.actions.close}</button>
          </div>
        </>
      ) : (
        <form onSubmit={(event) => void submit(event)}>
          <label class="field">{words.name}<input name="name" required maxLength={64} autocomplete="off" spellcheck={false} /></label>
          <RoleChoice />
          <label class="field">{words.lifetime}
            <select name="days">{LIFETIMES.map((days) => <option key={days} value={days}>{days ? words.days(Number(days)) : words.never}</option>)}</select>
          </label>
          {problem.value && <p class="problem" role="alert"><Icon tone="bad" /><span><ProblemText problem={problem.value} /></span></p>}
          <div class="buttons">
            <button type="button" class="usual" onClick={onClose}>{strings.actions.cancel}</button>
            <button type="submit" class="primary">{words.add}</button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
