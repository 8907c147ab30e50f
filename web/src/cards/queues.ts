// Waiting, running and failed jobs, and the workers, of each queue.

import { card, empty, h } from "../dom";
import type { State } from "../state";
import { strings } from "../strings";
import type { QueueFigures } from "../types";

const words = strings.queues;
const COLUMNS = ["waiting", "running", "failed", "workers"] as const;

export function queuesCard() {
  const { root, body } = card("queues", words.heading);
  const show = (state: State): void => {
    const queues = state.sections.queues;
    if (!queues?.figures.length) {
      body.replaceChildren(empty(queues?.problem || words.empty));
      return;
    }
    body.replaceChildren(h("table", { class: "figures" },
      h("thead", {}, h("tr", {}, h("th", { class: "hidden", scope: "col" }, words.heading),
        ...COLUMNS.map((name) => h("th", { scope: "col" }, words[name])))),
      h("tbody", {}, ...queues.figures.map(line))));
  };
  return { root, show };
}

function line(figures: QueueFigures): HTMLElement {
  return h("tr", {}, h("th", { scope: "row" }, figures.queue),
    ...COLUMNS.map((name) => h("td", { class: figures[name] ? `figure ${name}` : "figure zero" }, figures[name])));
}
