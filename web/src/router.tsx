// Which page belongs to which path, and links between pages. The server answers the same paths: rider_core/web/pages.py.

import type { ComponentChildren, VNode } from "preact";
import { LocationProvider, Route, Router, useLocation } from "preact-iso/router";

import { Dashboard } from "./pages/dashboard";
import type * as Others from "./pages/others";
import { later } from "./parts/later";
import { inSight } from "./parts/tabs";
import { ROOT } from "./server/root";
import { sections } from "./server/state";
import { strings } from "./strings";

const others = (): Promise<typeof Others> => import("./pages/others");
const TalkPage = later(others, (pages) => pages.TalkPage);
const QueuePage = later(others, (pages) => pages.QueuePage);
const SchedulesPage = later(others, (pages) => pages.SchedulesPage);
const ProvidersPage = later(others, (pages) => pages.ProvidersPage);
const RobotsPage = later(others, (pages) => pages.RobotsPage);
const PluginsPage = later(others, (pages) => pages.PluginsPage);
const SystemPage = later(others, (pages) => pages.SystemPage);

/** The pages in the order of the menu. `paths`: below which the page is the current one. */
export const PAGES = [
  { path: "/", paths: [] as string[], name: strings.pages.dashboard },
  { path: "/talk", paths: ["/talk"], name: strings.pages.talk },
  { path: "/queue", paths: ["/queue", "/schedules"], name: strings.pages.queue },
  { path: "/control", paths: ["/control"], name: strings.pages.providers },
  { path: "/robots", paths: ["/robots"], name: strings.pages.robots },
  { path: "/plugins", paths: ["/plugins"], name: strings.pages.plugins },
  { path: "/system", paths: ["/system"], name: strings.pages.system },
] as const;

/** Links to other paths, such as a plugin's page, are the browser's own. */
const OURS = new RegExp(`^${escaped(ROOT)}(/|/(talk|queue|schedules|control|robots|plugins|system)([/?].*)?)$`);

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

export function Routing({ children }: { children: ComponentChildren }): VNode {
  return <LocationProvider scope={OURS}>{children}</LocationProvider>;
}

/** The page of the current path. */
export function Page(): VNode {
  return (
    <Router>
      <Route path={`${ROOT}/`} component={Dashboard} />
      <Route path={`${ROOT}/talk`} component={TalkPage} />
      <Route path={`${ROOT}/queue/:job?`} component={QueuePage} />
      <Route path={`${ROOT}/schedules`} component={SchedulesPage} />
      <Route path={`${ROOT}/control/:provider?`} component={ProvidersPage} />
      <Route path={`${ROOT}/robots`} component={RobotsPage} />
      <Route path={`${ROOT}/plugins`} component={PluginsPage} />
      <Route path={`${ROOT}/system/:section?`} component={SystemPage} />
      <Route default component={Dashboard} />
    </Router>
  );
}

/** The menu: our pages, then those of plugins, which are loaded as pages of their own. */
export function Menu(): VNode {
  const { path } = useLocation();
  const here = path.slice(ROOT.length) || "/";
  const isCurrent = (page: (typeof PAGES)[number]): boolean =>
    here === page.path || page.paths.some((start) => here === start || here.startsWith(`${start}/`));
  return (
    <nav class="menu" aria-label={strings.pages.menu}>
      {PAGES.map((page) => (
        <a key={page.path} ref={isCurrent(page) ? inSight : undefined} href={ROOT + page.path} aria-current={isCurrent(page) ? "page" : undefined}>{page.name}</a>
      ))}
      {sections.plugin_host.value?.pages.map((page) => <a key={page.path} href={ROOT + page.path}>{page.title}</a>)}
    </nav>
  );
}
