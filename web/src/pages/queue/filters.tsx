// Which jobs the list shows: by queue, task and text. The address keeps them.

import type { VNode } from "preact";
import { useLocation } from "preact-iso/router";
import { useEffect, useRef } from "preact/hooks";

import type { Task } from "../../server/resources";
import { ROOT } from "../../server/root";
import { strings } from "../../strings";

const words = strings.queue;
/** A search begins when people have stopped typing for so long, in ms. */
const PAUSE_MS = 250;

export function Filters({ filters, tasks }: { filters: URLSearchParams; tasks: readonly Task[] }): VNode {
  const { route } = useLocation();
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const set = (name: string, value: string): void => {
    const changed = new URLSearchParams(filters);
    if (value) changed.set(name, value);
    else changed.delete(name);
    route(`${ROOT}/queue${changed.size ? `?${changed}` : ""}`, true);
  };
  const queues = [...new Set(tasks.map((task) => task.queue))];
  return (
    <search class="filters">
      <Choice label={words.queue} all={words.allQueues} choices={queues} chosen={filters.get("queue") ?? ""} onChoose={(value) => set("queue", value)} />
      <Choice label={words.task} all={words.allTasks} choices={tasks.map((task) => task.name)} chosen={filters.get("task") ?? ""} onChoose={(value) => set("task", value)} />
      <input
        type="search" aria-label={words.search} placeholder={words.search} title={words.searchHint} maxLength={200} spellcheck={false}
        defaultValue={filters.get("search") ?? ""}
        onInput={({ currentTarget: { value } }) => {
          clearTimeout(timer.current);
          timer.current = setTimeout(() => set("search", value.trim()), PAUSE_MS);
        }}
      />
    </search>
  );
}

interface ChoiceProps { label: string; all: string; choices: readonly string[]; chosen: string; onChoose: (value: string) => void }

function Choice({ label, all, choices, chosen, onChoose }: ChoiceProps): VNode {
  return (
    <select aria-label={label} onChange={(event) => onChoose(event.currentTarget.value)}>
      <option value="" selected={!chosen}>{all}</option>
      {choices.map((choice) => <option key={choice} value={choice} selected={choice === chosen}>{choice}</option>)}
    </select>
  );
}
