// Links that choose what a page shows; the current one is marked.

import type { VNode } from "preact";

export interface Tab { href: string; name: string; current: boolean; count?: number | undefined }

/** For the current one of several links: a narrow screen scrolls them. */
export function inSight(link: HTMLElement | null): void {
  link?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

export function Tabs({ label, tabs }: { label: string; tabs: readonly Tab[] }): VNode {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <a key={tab.href} ref={tab.current ? inSight : undefined} href={tab.href} aria-current={tab.current ? "page" : undefined}>
          <span class="name">{tab.name}</span>{tab.count ? <span class="count">{tab.count}</span> : null}
        </a>
      ))}
    </nav>
  );
}
