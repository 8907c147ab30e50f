// Builds the page's elements. Text becomes text nodes only: text of a robot or a plugin is never markup.

import { ago } from "./format";
import { strings } from "./strings";

export type Child = Node | string | number | null | false | undefined;
type Attributes = Record<string, string | number | boolean | null | undefined>;

const SVG = "http://www.w3.org/2000/svg";

function fill<E extends Element>(element: E, attributes: Attributes, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    element.append(typeof child === "number" ? String(child) : child);
  }
  return element;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

export type Tone = "good" | "warn" | "bad" | "quiet" | "busy";

/** One shape for each tone, so that colour is never the only sign. */
const SHAPES: Record<Tone, string> = {
  good: "M3 8.5 6.5 12 13 4.5",
  warn: "M8 2.5 14.5 13.5H1.5ZM8 6.5v3M8 11.6v.2",
  bad: "M4 4 12 12M12 4 4 12",
  quiet: "M4 8h8",
  busy: "M8 2.5A5.5 5.5 0 1 1 2.5 8",
};

export function icon(tone: Tone): SVGSVGElement {
  return svg("svg", { class: `icon icon-${tone}`, viewBox: "0 0 16 16", "aria-hidden": "true" },
    svg("path", { d: SHAPES[tone] }));
}

export function pill(tone: Tone, text: string, title?: string): HTMLElement {
  return h("span", { class: `pill ${tone}`, title }, icon(tone), text);
}

export function mockBadge(mock: boolean): HTMLElement | null {
  return mock ? h("span", { class: "mock", title: strings.mockTitle }, strings.mock) : null;
}

/** A time shown as "12 s ago", which `refreshTimes` keeps up to date. */
export function moment(ts: number, now: number): HTMLTimeElement {
  const date = new Date(ts * 1000);
  const valid = !Number.isNaN(date.getTime());
  return h("time", { "data-ts": ts, datetime: valid ? date.toISOString() : null, title: valid ? date.toLocaleString() : null },
    ago(now - ts));
}

export function refreshTimes(now: number): void {
  for (const element of document.querySelectorAll<HTMLTimeElement>("time[data-ts]")) {
    const text = ago(now - Number(element.dataset["ts"]));
    if (element.textContent !== text) element.textContent = text;
  }
}

export function empty(text: string, command?: string): HTMLElement {
  return h("p", { class: "empty" }, text, command ? " " : null, command ? h("code", {}, command) : null);
}

export interface Card { root: HTMLElement; aside: HTMLElement; body: HTMLElement }

export function card(id: string, heading: string): Card {
  const aside = h("div", { class: "aside" });
  const body = h("div", { class: "body" });
  const root = h("section", { class: `card card-${id}`, "aria-labelledby": `${id}-heading` },
    h("header", {}, h("h2", { id: `${id}-heading` }, heading), aside), body);
  return { root, aside, body };
}

/** Shows `items` as children of `parent`; an element stays as it is while its item is the same object. */
export class KeyedList<Item extends { key: string }> {
  private shown = new Map<string, { item: Item; element: HTMLElement }>();
  private first = true;

  /** `after`: a child of `parent` that stays before all items, such as a table's head. */
  constructor(private parent: HTMLElement, private build: (item: Item) => HTMLElement, private after?: HTMLElement) {}

  show(items: readonly Item[]): void {
    const next = new Map<string, { item: Item; element: HTMLElement }>();
    let place: ChildNode | null = this.after ? this.after.nextSibling : this.parent.firstChild;
    for (const item of items) {
      const known = this.shown.get(item.key);
      let element = known?.element;
      if (!element || known?.item !== item) {
        const fresh = this.build(item);
        if (!known && !this.first) fresh.classList.add("enter");
        if (element) {
          if (place === element) place = fresh;
          element.replaceWith(fresh);
        }
        element = fresh;
      }
      if (element === place) place = place.nextSibling;
      else this.parent.insertBefore(element, place);
      next.set(item.key, { item, element });
    }
    while (place) {
      const after: ChildNode | null = place.nextSibling;
      place.remove();
      place = after;
    }
    this.shown = next;
    this.first = false;
  }
}
