// The states of what is read from the server: not there yet, cannot be read, there.

import type { ComponentChildren, VNode } from "preact";

import type { Remote } from "../server/remote";
import type { Problem } from "../server/rest";
import { strings } from "../strings";
import { Icon } from "./card";
import { ProblemText } from "./problem-text";

interface RemoteViewProps<T> { remote: Remote<T>; children: (data: T) => ComponentChildren }

/** What was read last stays while it cannot be read again: a line above says so. */
export function RemoteView<T>({ remote, children }: RemoteViewProps<T>): VNode {
  const data = remote.data.value, problem = remote.problem.value;
  if (data === null && !problem) return <p class="empty" aria-busy="true"><Icon tone="busy" /> {strings.rest.loading}</p>;
  return (
    <>
      {problem && <Trouble problem={problem} onRetry={remote.reload} />}
      {data !== null && children(data)}
    </>
  );
}

/** Why something cannot be read, with a way to try again. */
export function Trouble({ problem, onRetry }: { problem: Problem; onRetry: () => Promise<void> }): VNode {
  return (
    <div class="trouble" role="alert">
      <Icon tone="bad" />
      <div><ProblemText problem={problem} /></div>
      <button type="button" class="plain" onClick={() => void onRetry()}>{strings.rest.retry}</button>
    </div>
  );
}
