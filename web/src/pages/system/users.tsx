// The people who may sign in, and what each may do.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";

import { Button } from "../../parts/button";
import { Card, Empty, Icon, Moment } from "../../parts/card";
import { Dialog, areYouSure } from "../../parts/dialog";
import { notify } from "../../parts/notices";
import { ProblemText } from "../../parts/problem-text";
import { RemoteView } from "../../parts/remote-view";
import { useRemote } from "../../server/remote";
import type { User } from "../../server/resources";
import { Problem, send } from "../../server/rest";
import { refusal } from "../../server/session";
import type { Role } from "../../server/session";
import { strings } from "../../strings";

const words = strings.system.users;
export const ROLES: readonly Role[] = ["read", "operate", "admin"];

export function UsersSection(): VNode {
  const view = useRemote<{ users: User[] }>("/users");
  const open = useSignal(false);
  return (
    <Card id="users" heading={words.heading} aside={
      <Button kind="primary" refused={refusal("admin")} onAct={() => void (open.value = true)}>{words.add}</Button>
    }>
      <RemoteView remote={view}>
        {({ users }) => users.length
          ? <ul class="rows">{users.map((user) => <Row key={user.name} user={user} reload={view.reload} />)}</ul>
          : <Empty text={words.none} />}
      </RemoteView>
      {open.value && <NewUser onClose={() => void (open.value = false)} reload={view.reload} />}
    </Card>
  );
}

function Row({ user, reload }: { user: User; reload: () => Promise<void> }): VNode {
  const path = `/users/${encodeURIComponent(user.name)}`;
  const change = async (role: Role): Promise<void> => {
    try {
      await send("PATCH", path, { role });
      notify(words.changed(user.name, words.roles[role]), "good", () => change(user.role));
    } finally {
      await reload();
    }
  };
  const remove = async (): Promise<void> => {
    if (!(await areYouSure(words.delete, words.deleteSure(user.name), words.delete))) return;
    await send("DELETE", path);
    notify(words.deleted(user.name));
    await reload();
  };
  return (
    <li>
      <div class="what"><strong>{user.name}</strong><div class="soft detail"><span><Moment ts={user.created_ts} /></span></div></div>
      <span class="switch" role="group" aria-label={words.role(user.name)}>
        {ROLES.map((role) => (
          <span key={role} class={role === user.role ? "pressed" : undefined}>
            <Button kind="plain" title={words.roleTitles[role]} refused={refusal("admin")} onAct={() => role === user.role ? undefined : change(role)}>{words.roles[role]}</Button>
          </span>
        ))}
      </span>
      <Button kind="plain" refused={refusal("admin")} onAct={remove}>{words.delete}</Button>
    </li>
  );
}

function NewUser({ onClose, reload }: { onClose: () => void; reload: () => Promise<void> }): VNode {
  const problem = useSignal<Problem | null>(null);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const name = String(form.get("name"));
    problem.value = null;
    try {
      await send("POST", "/users", { name, role: form.get("role"), password: form.get("password") });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem.value = error;
      return;
    }
    notify(words.added(name));
    await reload();
    onClose();
  };
  return (
    <Dialog heading={words.add} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <p class="soft">{words.firstIsAdmin}</p>
        <label class="field">{strings.signIn.user}<input name="name" required maxLength={64} autocomplete="off" spellcheck={false} autocapitalize="none" /></label>
        <label class="field">{strings.signIn.password}<input name="password" type="password" required minLength={8} maxLength={1000} autocomplete="new-password" /></label>
        <RoleChoice />
        {problem.value && <p class="problem" role="alert"><Icon tone="bad" /><span><ProblemText problem={problem.value} /></span></p>}
        <div class="buttons">
          <button type="button" class="usual" onClick={onClose}>{strings.actions.cancel}</button>
          <button type="submit" class="primary">{words.add}</button>
        </div>
      </form>
    </Dialog>
  );
}

/** What somebody, or a key, may do. */
export function RoleChoice(): VNode {
  return (
    <fieldset class="roles">
      <legend>{words.mayDo}</legend>
      {ROLES.map((role, index) => (
        <label key={role}><input type="radio" name="role" value={role} defaultChecked={index === 0} /><b>{words.roles[role]}</b> <span class="soft">{words.roleTitles[role]}</span></label>
      ))}
    </fieldset>
  );
}
