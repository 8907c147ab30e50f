// Where the robot is, whether it answers, and who does what: the robot itself or this PC.

import { card, empty, h, moment, pill } from "../dom";
import type { State } from "../state";
import { strings } from "../strings";
import type { Domain, Robot } from "../types";

const words = strings.robot;
const ORDER = ["voice", "vision", "text"];

export function robotCard() {
  const { root, aside, body } = card("robot", words.heading);
  const show = (state: State): void => {
    const robot = state.sections.robot;
    if (!robot) return;
    const linked = (state.sections.processes ?? []).some((process) => process.role === "link" && process.alive);
    aside.replaceChildren(linkPill(robot, linked));
    body.replaceChildren(
      h("p", { class: "lead" },
        h("span", { class: "address" }, robot.address || strings.none),
        robot.simulated ? h("span", { class: "tag", title: words.simulatedTitle }, words.simulated) : null),
      robot.reason ? h("p", { class: "reason" }, robot.reason) : "",
      typeof robot.battery_pct === "number" ? battery(robot.battery_pct) : "",
      domains(robot.domains ?? {}, state.now()),
    );
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

function domains(known: Record<string, Domain>, now: number): HTMLElement {
  const place = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  const names = Object.keys(known).sort((a, b) => place(a) - place(b));
  if (!names.length) return empty(words.domainsEmpty);
  return h("ul", { class: "domains" }, ...names.map((name) => domain(name, known[name]!, now)));
}

function domain(name: string, it: Domain, now: number): HTMLElement {
  const onPc = it.mode === "pc";
  return h("li", { class: onPc ? "on-pc" : "on-robot" },
    h("span", { class: "name" }, words.domains[name] ?? name),
    h("span", { class: "where" }, h("span", { class: "track", "aria-hidden": "true" }, h("i")),
      onPc ? words.pc : it.mode === "local" ? words.local : it.mode),
    h("span", { class: "soft status" }, it.status),
    it.reason ? h("span", { class: "soft why" }, it.reason) : null,
    h("span", { class: "soft when" }, moment(it.ts, now)));
}
