// The robot: its address, whether it answers, and which side serves each domain.

import { card, empty, h, pill } from "../dom";
import type { State } from "../state";
import { strings } from "../strings";
import type { Robot } from "../types";
import { DomainRows, restartNotes } from "./domains";

const words = strings.robot;

export function robotCard() {
  const { root, aside, body } = card("robot", words.heading);
  const about = h("div");
  const rows = new DomainRows();
  const nothing = empty(words.domainsEmpty);
  body.append(about, nothing, rows.root);
  const show = (state: State): void => {
    const robot = state.sections.robot;
    if (!robot) return;
    const linked = (state.sections.processes ?? []).some((process) => process.role === "link" && process.alive);
    aside.replaceChildren(linkPill(robot, linked));
    about.replaceChildren(
      h("p", { class: "lead" },
        h("span", { class: "address" }, robot.address || strings.none),
        robot.simulated ? h("span", { class: "tag", title: words.simulatedTitle }, words.simulated) : null),
      robot.reason ? h("p", { class: "reason" }, robot.reason) : "",
      typeof robot.battery_pct === "number" ? battery(robot.battery_pct) : "",
      ...restartNotes(robot.restarts ?? []),
    );
    const domains = robot.domains ?? {};
    nothing.hidden = Object.keys(domains).length > 0;
    rows.show(domains, state.now());
  };
  return { root, show };
}

function linkPill(robot: Robot, linked: boolean): HTMLElement {
  if (robot.up === true && linked) return pill("good", words.up);
  if (robot.up === false) return pill("bad", words.down, robot.reason);
  return pill("quiet", words.unknown);
}

function battery(percent: number): HTMLElement {
  const meter = h("span", { class: `meter ${percent < 20 ? "low" : ""}`, "aria-hidden": "true" }, h("i"));
  meter.style.setProperty("--part", String(percent / 100));
  return h("p", { class: "battery" }, h("span", { class: "soft" }, words.battery), meter, `${Math.round(percent)} %`);
}
