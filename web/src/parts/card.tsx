// What several cards show: the card itself, pills, badges, times. Text is text: that of a robot or a plugin is never
// markup.

import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { ago } from "../format";
import { clock, loaded } from "../server/state";
import { language, strings } from "../strings";
import type { Tone } from "../tones";

/** One shape for each tone, so that colour is never the only sign. */
const SHAPES: Record<Tone, string> = {
  good: "M3 8.5 6.5 12 13 4.5",
  warn: "M8 2.5 14.5 13.5H1.5ZM8 6.5v3M8 11.6v.2",
  bad: "M4 4 12 12M12 4 4 12",
  quiet: "M4 8h8",
  busy: "M8 2.5A5.5 5.5 0 1 1 2.5 8",
};

export function Icon({ tone }: { tone: Tone }): VNode {
  return <svg class={`icon icon-${tone}`} viewBox="0 0 16 16" aria-hidden="true"><path d={SHAPES[tone]} /></svg>;
}

export function Pill({ tone, text, title }: { tone: Tone; text: string; title?: string | undefined }): VNode {
  return <span class={`pill ${tone}`} title={title}><Icon tone={tone} />{text}</span>;
}

export function MockBadge({ mock }: { mock: boolean }): VNode | null {
  return mock ? <span class="mock" title={strings.mockTitle}>{strings.mock}</span> : null;
}

/** A time shown as "12 s ago", which is kept up to date. */
export function Moment({ ts }: { ts: number }): VNode {
  const date = new Date(ts * 1000);
  const valid = !Number.isNaN(date.getTime());
  return (
    <time dateTime={valid ? date.toISOString() : undefined} title={valid ? date.toLocaleString(language) : undefined}>
      {ago(clock.value - ts)}
    </time>
  );
}

export function Empty({ text, command }: { text: string; command?: string }): VNode {
  return <p class="empty">{text}{command && <> <code>{command}</code></>}</p>;
}

interface CardProps {
  id: string; heading: string; aside?: ComponentChildren; children: ComponentChildren;
  /** Its body scrolls: the keyboard must reach it. */
  scrolls?: boolean;
}

export function Card({ id, heading, aside, children, scrolls = false }: CardProps): VNode {
  return (
    <section class={`card card-${id}`} aria-labelledby={`${id}-heading`}>
      <header><h2 id={`${id}-heading`}>{heading}</h2><div class="aside">{aside}</div></header>
      <div class="body" {...(scrolls ? { tabIndex: 0, role: "group", "aria-labelledby": `${id}-heading` } as const : {})}>{children}</div>
    </section>
  );
}

/** The class of a row that appears while people look: none for those that are there when the state has come. */
export function useEntrance(): (row: string) => string | undefined {
  const first = useRef<Set<string>>(new Set());
  const isShown = useRef(false);
  useEffect(() => {
    isShown.current ||= loaded.value;
  });
  return (row) => {
    if (!isShown.current) first.current.add(row);
    return first.current.has(row) ? undefined : "enter";
  };
}
