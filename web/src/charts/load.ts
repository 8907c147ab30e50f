// Gets the charts' own file when it is needed for the first time.

import type * as Charts from "./uplot";

export function loadCharts(): Promise<typeof Charts> {
  return import("./uplot");
}
