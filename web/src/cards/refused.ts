// Refused input of the robot; the card is hidden without any.

import { card, h, moment } from "../dom";
import type { State } from "../state";
import { strings } from "../strings";

export function refusedCard() {
  const { root, aside, body } = card("refused", strings.refused.heading);
  root.hidden = true;
  const show = (state: State): void => {
    const rows = state.tables.refused;
    root.hidden = !rows.length;
    aside.replaceChildren(h("span", { class: "soft" }, strings.refused.hint(Math.max(0, ...rows.map((row) => row.count)))));
    body.replaceChildren(h("ul", { class: "rows" }, ...rows.slice(0, 8).map((row) => h("li", {},
      h("div", { class: "what" }, h("strong", {}, row.topic || row.code), h("div", { class: "soft detail" }, h("span", {}, row.message))),
      h("span", { class: "soft" }, moment(row.ts, state.now()))))));
  };
  return { root, show };
}
