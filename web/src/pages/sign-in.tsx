// The page before somebody has signed in.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";

import { explain } from "../explain";
import { Languages } from "../parts/languages";
import { Icon } from "../parts/card";
import { Problem } from "../server/rest";
import { ROOT } from "../server/root";
import { signIn } from "../server/session";
import { strings } from "../strings";

const words = strings.signIn;

/** `onDone` is called once somebody has signed in. */
export function SignIn({ onDone }: { onDone: () => void }): VNode {
  const busy = useSignal(false);
  const problem = useSignal<Problem | null>(null);

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (busy.value) return;
    const form = new FormData(event.currentTarget as HTMLFormElement);
    busy.value = true;
    problem.value = null;
    try {
      await signIn(String(form.get("user")), String(form.get("password")));
      onDone();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem.value = error;
    } finally {
      busy.value = false;
    }
  };

  const wrong = problem.value;
  return (
    <div class="sign-in">
      <form class="card" onSubmit={(event) => void submit(event)} aria-busy={busy.value}>
        <h1><img src={`${ROOT}/static/favicon.svg`} alt="" width={36} height={36} />{strings.title}</h1>
        <label>{words.user}
          <input name="user" autocomplete="username" autocapitalize="none" spellcheck={false} maxLength={64} required autofocus />
        </label>
        <label>{words.password}
          <input name="password" type="password" autocomplete="current-password" maxLength={1000} required />
        </label>
        <p class="problem" role="alert">
          {wrong && <><Icon tone="bad" /><span>{sentence(wrong)}</span></>}
        </p>
        <button type="submit" class="primary" disabled={busy.value}>{busy.value && <Icon tone="busy" />}{words.submit}</button>
        <p class="soft">{words.help}</p>
      </form>
      <Languages />
    </div>
  );
}

function sentence(problem: Problem): string {
  if (problem.code === "wrong_password") return words.wrong;
  if (problem.code === "guesses") return words.guesses;
  return explain(problem).text;
}
