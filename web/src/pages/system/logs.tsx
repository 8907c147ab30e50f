// What all processes log, live: filtered by process, level and text; a trace's id shows all that belongs to it.

import { useSignal, useSignalEffect } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";

import { Button } from "../../parts/button";
import { Card, Empty, Icon } from "../../parts/card";
import { ProblemText } from "../../parts/problem-text";
import type { LogLine } from "../../server/resources";
import { Problem, send } from "../../server/rest";
import { sections } from "../../server/state";
import { language, strings } from "../../strings";
import type { Tone } from "../../tones";

const words = strings.system.logs;
const LEVELS = ["debug", "info", "warning", "error"] as const;
const TONES: Record<string, Tone> = { warning: "warn", error: "bad", critical: "bad" };
/** New lines are asked for this often, in ms, while the page is seen. */
const EVERY_MS = 2_000;
const PAGE = 200;
/** Of 24 hours in every language: the column has room for no "PM". */
const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
/** More lines make a page slow; the latest are kept. */
const MOST = 2_000;

interface View { lines: LogLine[]; next: string | null }

export function LogsSection(): VNode {
  const process = useSignal(""), level = useSignal<string>("info"), search = useSignal("");
  const lines = useSignal<readonly LogLine[] | null>(null);
  const next = useSignal<string | null>(null);
  const problem = useSignal<Problem | null>(null);
  const isPaused = useSignal(false);
  const filters = (): string => {
    const query = new URLSearchParams({ level: level.value, limit: String(PAGE) });
    if (process.value) query.set("process", process.value);
    if (search.value) query.set("search", search.value);
    return query.toString();
  };
  const read = async (more: string): Promise<View | null> => {
    const asked = filters();
    try {
      const { body } = await send("GET", `/logs?${asked}${more}`);
      problem.value = null;
      return asked === filters() ? (body as View) : null;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem.value = error;
      return null;
    }
  };
  const begin = async (): Promise<void> => {
    const view = await read("");
    if (view) [lines.value, next.value] = [view.lines, view.next];
  };
  useSignalEffect(() => {
    filters();
    lines.value = null;
    const timer = setTimeout(() => void begin(), 200);
    return () => clearTimeout(timer);
  });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const follow = async (): Promise<void> => {
      const newest = lines.value?.[0];
      if (!document.hidden && !isPaused.value) {
        const view = newest ? await read(`&after=${newest.id}`) : null;
        // More than a page has come: it begins anew, without a gap.
        if (!newest || view?.next) await begin();
        else if (view?.lines.length) lines.value = [...view.lines, ...(lines.value ?? [])].slice(0, MOST);
      }
      timer = setTimeout(() => void follow(), EVERY_MS);
    };
    timer = setTimeout(() => void follow(), EVERY_MS);
    return () => clearTimeout(timer);
  }, []);
  const earlier = async (): Promise<void> => {
    const view = await read(`&cursor=${next.value}`);
    if (view) [lines.value, next.value] = [[...(lines.value ?? []), ...view.lines], view.next];
  };
  const names = [...new Set((sections.processes.value ?? []).map((each) => (each.role === "worker" ? each.name.replace(/-\d+$/, "") : each.role)))].sort();
  return (
    <Card id="logs" heading={words.heading} aside={
      <search class="filters">
        <select aria-label={words.process} onChange={(event) => void (process.value = event.currentTarget.value)}>
          <option value="">{words.allProcesses}</option>
          {names.map((name) => <option key={name} value={name}>{name}</option>)}
        </select>
        <select aria-label={words.level} onChange={(event) => void (level.value = event.currentTarget.value)}>
          {LEVELS.map((each) => <option key={each} value={each} selected={each === level.value}>{words.levels[each]}</option>)}
        </select>
        <input type="search" aria-label={words.search} placeholder={words.search} value={search.value} maxLength={200} onInput={(event) => void (search.value = event.currentTarget.value.trim())} />
        <button type="button" class="usual" aria-pressed={isPaused.value} onClick={() => void (isPaused.value = !isPaused.value)}>{isPaused.value ? words.follow : words.pause}</button>
      </search>
    }>
      {problem.value && <p class="trouble" role="alert"><Icon tone="bad" /><span><ProblemText problem={problem.value} /></span></p>}
      {lines.value === null
        ? !problem.value && <p class="empty" aria-busy="true"><Icon tone="busy" /> {strings.rest.loading}</p>
        : lines.value.length
          ? (
            <ol class="logs" tabIndex={0} aria-label={words.heading}>
              {lines.value.map((line) => <Line key={line.id} line={line} onTrace={(trace) => void (search.value = trace)} />)}
            </ol>
          ) : <Empty text={words.none} />}
      {next.value && <div class="buttons"><Button onAct={earlier}>{words.earlier}</Button></div>}
    </Card>
  );
}

function Line({ line: { ts, level, process, message, trace_id: trace }, onTrace }: { line: LogLine; onTrace: (trace: string) => void }): VNode {
  const date = new Date(ts * 1000), tone = TONES[level];
  return (
    <li class={tone ?? level}>
      <time dateTime={date.toISOString()} title={date.toLocaleString(language)}>{date.toLocaleTimeString(language, TIME)}</time>
      <span class="process">{process}</span>
      <span class="message">{tone && <Icon tone={tone} />}{message}{trace && <button type="button" class="plain" title={words.trace} onClick={() => onTrace(trace)}>{trace.slice(0, 8)}</button>}</span>
    </li>
  );
}
