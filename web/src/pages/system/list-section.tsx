// A list that an administrator adds to: its card, which opens the dialogue for a new entry.

import { useSignal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";

import { Button } from "../../parts/button";
import { Card, Empty } from "../../parts/card";
import { RemoteView } from "../../parts/remote-view";
import type { Remote } from "../../server/remote";
import { refusal } from "../../server/session";

interface ListSectionProps<T> {
  id: string; heading: string; remote: Remote<T>;
  /** The rows of what was read; none: `none` is shown. */
  rows: (data: T) => VNode[];
  none: string;
  /** What the button says that opens the dialogue. */
  add: string;
  dialog: (onClose: () => void) => VNode;
  aside?: ComponentChildren;
}

export function ListSection<T>({ id, heading, remote, rows, none, add, dialog, aside }: ListSectionProps<T>): VNode {
  const open = useSignal(false);
  return (
    <Card id={id} heading={heading} aside={
      <>{aside}<Button kind="primary" refused={refusal("admin")} onAct={() => void (open.value = true)}>{add}</Button></>
    }>
      <RemoteView remote={remote}>
        {(data) => {
          const found = rows(data);
          return found.length ? <ul class="rows">{found}</ul> : <Empty text={none} />;
        }}
      </RemoteView>
      {open.value && dialog(() => void (open.value = false))}
    </Card>
  );
}
