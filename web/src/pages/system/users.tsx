// The people who may sign in, and what each may do.

import type { VNode } from "preact";

import { Button } from "../../parts/button";
import { Moment } from "../../parts/card";
import { areYouSure } from "../../parts/dialog";
import { FormDialog } from "../../parts/dialog-form";
import { notify } from "../../parts/notices";
import { useRemote } from "../../server/remote";
import type { User } from "../../server/resources";
import { send } from "../../server/rest";
import { refusal } from "../../server/session";
import type { Role } from "../../server/session";
import { strings } from "../../strings";
import { ListSection } from "./list-section";

const words = strings.system.users;
export const ROLES: readonly Role[] = ["read", "operate", "admin"];

export function UsersSection(): VNode {
  const view = useRemote<{ users: User[] }>("/users");
  return (
    <ListSection
      id="users" heading={words.heading} remote={view} add={words.add} none={words.none}
      rows={({ users }) => users.map((user) => <Row key={user.name} user={user} reload={view.reload} />)}
      dialog={(onClose) => <NewUser onClose={onClose} reload={view.reload} />}
    />
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
  const add = async (form: FormData): Promise<void> => {
    const name = String(form.get("name"));
    await send("POST", "/users", { name, role: form.get("role"), password: form.get("password") });
    notify(words.added(name));
    await reload();
    onClose();
  };
  return (
    <FormDialog action={words.add} onClose={onClose} onSubmit={add}>
      <p class="soft">{words.firstIsAdmin}</p>
      <label class="field">{strings.signIn.user}<input name="name" required maxLength={64} autocomplete="off" spellcheck={false} autocapitalize="none" /></label>
      <label class="field">{strings.signIn.password}<input name="password" type="password" required minLength={8} maxLength={1000} autocomplete="new-password" /></label>
      <RoleChoice />
    </FormDialog>
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
