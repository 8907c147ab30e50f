// Stops the robot: by the button that is on every page, and by the space bar where nothing is typed.

import { signal } from "@preact/signals";

import { notify } from "../parts/notices";
import { strings } from "../strings";
import { Problem, send } from "./rest";

const words = strings.stop;

export const isStopping = signal(false);

export async function stopRobot(): Promise<void> {
  isStopping.value = true;
  try {
    const { body } = await send("POST", "/robots/rider/stop");
    const { confirmed, bus, problem } = body as { confirmed: boolean; bus: boolean; problem: string };
    if (confirmed) notify(words.done);
    else notify(bus ? words.sent(problem) : words.failed(problem), "bad");
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    notify(words.failed(error.message), "bad", null, error.remedy);
  } finally {
    isStopping.value = false;
  }
}

/** To be called once. */
export function stopOnSpace(): void {
  addEventListener("keydown", (event) => {
    const elsewhere = event.target instanceof Element && event.target.closest("input, textarea, select, button, a, summary, audio, [tabindex], dialog");
    if (event.code !== "Space" || event.repeat || elsewhere || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();  // it would scroll
    void stopRobot();
  });
}
