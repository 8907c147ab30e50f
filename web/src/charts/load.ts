// Gets the charts' own file when it is needed for the first time.

import { ROOT } from "../server/root";
import type * as Charts from "./uplot";

let loading: Promise<typeof Charts> | null = null;

export function loadCharts(): Promise<typeof Charts> {
  // A variable, so that the bundler leaves it to the browser.
  const address = `${ROOT}/static/charts.js?v=${document.body.dataset.build}`;
  loading ??= import(address) as Promise<typeof Charts>;
  return loading;
}
