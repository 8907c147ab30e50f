// The page's start: draws the cards, receives deltas from the panel's process, and redraws the changed cards.

import { io } from "socket.io-client";

import { concerns } from "./attention";
import { chartCard } from "./cards/chart";
import { jobsCard } from "./cards/jobs";
import { pluginsCard } from "./cards/plugins";
import { processesCard } from "./cards/processes";
import { queuesCard } from "./cards/queues";
import { refusedCard } from "./cards/refused";
import { robotCard } from "./cards/robot";
import { talkCard } from "./cards/talk";
import { h, icon, pill, refreshTimes } from "./dom";
import { ROOT } from "./root";
import { State } from "./state";
import type { Connection } from "./state";
import { strings } from "./strings";
import type { StateDelta } from "./types";

const state = new State();
const cards = {
  robot: robotCard(), processes: processesCard(), queues: queuesCard(), talk: talkCard(),
  chart: chartCard(), jobs: jobsCard(), plugins: pluginsCard(), refused: refusedCard(),
};
const connection = h("span", { class: "connection" });
const headline = h("p", { class: "headline" });
const list = h("ul", { class: "concerns" });

function build(panel: HTMLElement): void {
  panel.replaceChildren(
    h("header", { class: "top" },
      h("img", { src: `${ROOT}/static/favicon.svg`, alt: "", width: 36, height: 36 }),
      h("h1", {}, strings.title, h("span", { class: "soft version" }, document.body.dataset["version"] ?? "")),
      h("div", { class: "verdict", role: "status" }, headline), connection),
    list,
    h("main", {},
      h("div", { class: "glance" }, cards.robot.root, cards.processes.root,
        h("div", { class: "stack" }, cards.queues.root, cards.plugins.root)),
      h("div", { class: "story" }, cards.talk.root, h("div", { class: "work" }, cards.chart.root, cards.jobs.root)),
      cards.refused.root));
  panel.removeAttribute("aria-busy");
}

let verdictShown = "";

function showVerdict(): void {
  const found = state.loaded || state.connection === "lost" ? concerns(state) : [];
  const shown = JSON.stringify([state.loaded, found]);
  if (shown === verdictShown) return;
  verdictShown = shown;
  const serious = found.filter((concern) => concern.tone !== "quiet");
  const worst = serious.some((concern) => concern.tone === "bad") ? "bad" : serious.length ? "warn" : "good";
  headline.className = `headline ${state.loaded || serious.length ? worst : ""}`;
  if (serious.length) headline.replaceChildren(icon(worst), strings.verdict.attention(serious.length));
  else if (state.loaded) headline.replaceChildren(icon("good"), strings.verdict.well);
  else headline.replaceChildren(strings.verdict.loading);
  document.title = serious.length ? `(${serious.length}) ${strings.title}` : strings.title;
  list.hidden = !found.length;
  list.replaceChildren(...found.map((concern) => h("li", { class: concern.tone }, icon(concern.tone),
    h("div", {}, h("strong", {}, concern.text), concern.detail ? h("span", { class: "soft" }, concern.detail) : null,
      concern.remedy ? h("span", { class: "remedy" }, concern.remedy) : null))));
}

function showConnection(next: Connection): void {
  state.connection = next;
  const tone = next === "live" ? "good" : next === "lost" ? "bad" : "quiet";
  connection.replaceChildren(pill(tone, strings.connection[next]));
  document.body.classList.toggle("stale", next === "lost");
  showVerdict();
}

/** Which parts of the delta each card draws. */
const NEEDS: Record<keyof typeof cards, readonly string[]> = {
  robot: ["robot", "processes"], processes: ["processes", "redis", "plugins"], queues: ["queues"],
  talk: ["transcripts", "speech"], chart: ["transcripts", "activity"], jobs: ["jobs"], plugins: ["plugins"],
  refused: ["refused"],
};

function apply(delta: StateDelta): void {
  state.apply(delta);
  const changed = new Set([...Object.keys(delta.sections), ...Object.keys(delta.rows)]);
  for (const name of Object.keys(cards) as (keyof typeof cards)[]) {
    if (delta.full || NEEDS[name].some((part) => changed.has(part))) cards[name].show(state);
  }
  showVerdict();
}

function listen(): void {
  const socket = io("/live", { path: `${ROOT}/socket.io`, reconnectionDelayMax: 3000 });
  socket.on("connect", () => {
    showConnection("live");
    socket.emit("ready");
  });
  socket.on("disconnect", () => showConnection("lost"));
  socket.on("connect_error", () => showConnection("lost"));
  socket.on("news", (delta: StateDelta, acknowledge: () => void) => {
    // Acknowledged only after drawing: a slow browser gets fewer messages.
    requestSoon(() => {
      try {
        apply(delta);
      } finally {
        acknowledge();
      }
    });
  });
}

/** Run `work` in the next frame, or soon in a hidden tab, which draws no frames. */
function requestSoon(work: () => void): void {
  if (document.hidden) setTimeout(work, 0);
  else requestAnimationFrame(work);
}

build(document.getElementById("panel")!);
showConnection("connecting");
listen();
setInterval(() => {
  refreshTimes(state.now());
  if (state.loaded) cards.chart.show(state);
}, 1000);
