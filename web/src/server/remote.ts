// What a page reads from the REST interface: when it is first shown, again when somebody has changed it, and when the
// panel is back after it was away.

import { useComputed, useSignal } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";
import { useCallback, useEffect, useRef } from "preact/hooks";

import { Problem, send } from "./rest";
import { connection, sections } from "./state";

/** `data` is what was read last, also while it is read again or cannot be; null: nothing yet. */
export interface Remote<T> {
  data: ReadonlySignal<T | null>;
  problem: ReadonlySignal<Problem | null>;
  /** Of `data`, for `If-Match`. */
  etag: ReadonlySignal<string>;
  reload: () => Promise<void>;
  /** Show this until it is read again, such as the answer to a change. */
  put: (data: T, etag: string) => void;
}

/** The number of changes of a path's resource that this page has heard of. */
function changesOf(path: string | null): number {
  const resource = (path ?? "").split(/[/?]/)[1] ?? "";
  return sections.changes.value?.[resource] ?? 0;
}

/** The answer to GET `path`; null: nothing is to be read. */
export function useRemote<T>(path: string | null): Remote<T> {
  const data = useSignal<T | null>(null);
  const problem = useSignal<Problem | null>(null);
  const etag = useSignal("");
  const wanted = useRef(path);
  const changes = useComputed(() => changesOf(wanted.current)).value;
  const isLive = useComputed(() => connection.value === "live").value;

  /** Grows with each reading and each change: an answer that comes after a later one is out of date. */
  const turn = useRef(0);

  const reload = useCallback(async (): Promise<void> => {
    const asked = wanted.current, own = ++turn.current;
    if (asked === null) return;
    try {
      const answer = await send("GET", asked);
      if (own !== turn.current) return;
      data.value = answer.body as T;
      etag.value = answer.etag;
      problem.value = null;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (own === turn.current) problem.value = error;
    }
  }, []);
  const put = useCallback((body: T, tag: string): void => {
    turn.current++;
    data.value = body;
    etag.value = tag;
    problem.value = null;
  }, []);

  useEffect(() => {
    if (wanted.current !== path) {
      wanted.current = path;
      data.value = null;
      problem.value = null;
    }
    void reload();
  }, [path, changes, isLive]);
  return { data, problem, etag, reload, put };
}
