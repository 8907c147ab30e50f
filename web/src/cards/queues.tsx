// Waiting, running and failed jobs, and the workers, of each queue.

import type { VNode } from "preact";

import { Card, Empty } from "../parts/card";
import { sections } from "../server/state";
import { strings } from "../strings";

const words = strings.queues;
const COLUMNS = ["waiting", "running", "failed", "workers"] as const;

export function QueuesCard(): VNode {
  const queues = sections.queues.value;
  if (!queues?.figures.length) {
    return <Card id="queues" heading={words.heading}><Empty text={queues?.problem || words.empty} /></Card>;
  }
  return (
    <Card id="queues" heading={words.heading}>
      <table class="figures">
        <thead>
          <tr><th class="hidden" scope="col">{words.heading}</th>{COLUMNS.map((name) => <th scope="col" key={name}>{words[name]}</th>)}</tr>
        </thead>
        <tbody>
          {queues.figures.map((figures) => (
            <tr key={figures.queue}>
              <th scope="row">{figures.queue}</th>
              {COLUMNS.map((name) => <td key={name} class={figures[name] ? `figure ${name}` : "figure zero"}>{figures[name]}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}
