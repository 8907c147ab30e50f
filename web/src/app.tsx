// The frame of every page: the menu, what needs attention, and the page itself.

import { useComputed, useSignalEffect } from "@preact/signals";
import type { VNode } from "preact";
import { useLocation } from "preact-iso/router";

import { concerns } from "./attention";
import type { Concern } from "./attention";
import { Icon, Pill } from "./parts/card";
import { Confirmation } from "./parts/dialog";
import { Languages } from "./parts/languages";
import { Notices } from "./parts/notices";
import { Menu, Page, Routing } from "./router";
import { ROOT } from "./server/root";
import { session, signOut } from "./server/session";
import { connection, loaded } from "./server/state";
import { isStopping, stopRobot } from "./server/stop";
import { strings } from "./strings";
import type { Tone } from "./tones";

const CONNECTION_TONES = { connecting: "quiet", live: "good", lost: "bad" } as const;

export function App(): VNode {
  const found = useComputed(() => (loaded.value || connection.value === "lost" ? concerns() : []));
  useSignalEffect(() => {
    document.body.classList.toggle("stale", connection.value === "lost");
    const serious = seriousOf(found.value).length;
    document.title = serious ? `(${serious}) ${strings.title}` : strings.title;
  });
  return (
    <Routing>
      <header class="top">
        <img src={`${ROOT}/static/favicon.svg`} alt="" width={36} height={36} />
        <h1>{strings.title}<span class="soft version">{session.value.version}</span></h1>
        <Menu />
        <div class="verdict" role="status"><Headline found={found.value} /></div>
        <StopButton />
        <Account />
        <Languages />
        <span class="connection">
          <Pill tone={CONNECTION_TONES[connection.value]} text={strings.connection[connection.value]} />
        </span>
      </header>
      <main>
        <Concerns found={found.value} />
        <Page />
      </main>
      <Notices />
      <Confirmation />
    </Routing>
  );
}

/** Whoever may look may stop it. */
function StopButton(): VNode {
  return (
    <button type="button" class="stop" title={strings.stop.title} aria-busy={isStopping.value} onClick={() => void stopRobot()}>
      <svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2L1.5 10.800V5.200Z" /></svg>{strings.stop.button}
    </button>
  );
}

/** Who has signed in, and the way out. */
function Account(): VNode | null {
  const { user, signIn } = session.value;
  if (!signIn || !user) return null;
  return (
    <span class="account">
      <span class="soft">{user}</span>
      <button type="button" class="plain" onClick={() => void signOut()}>{strings.signIn.out}</button>
    </span>
  );
}

/** On the dashboard. Elsewhere the headline is a link to it. */
function Concerns({ found }: { found: readonly Concern[] }): VNode | null {
  const { path } = useLocation();
  if (path !== (ROOT || "/")) return null;
  return <ul class="concerns" hidden={!found.length}>{found.map((concern) => <Item key={concern.key} concern={concern} />)}</ul>;
}

function seriousOf(found: readonly Concern[]): Concern[] {
  return found.filter((concern) => concern.tone !== "quiet");
}

function Headline({ found }: { found: readonly Concern[] }): VNode {
  const serious = seriousOf(found);
  const worst: Tone = serious.some((concern) => concern.tone === "bad") ? "bad" : serious.length ? "warn" : "good";
  if (serious.length) {
    return <p class={`headline ${worst}`}><Icon tone={worst} /><a href={`${ROOT}/`}>{strings.verdict.attention(serious.length)}</a></p>;
  }
  if (loaded.value) return <p class="headline good"><Icon tone="good" />{strings.verdict.well}</p>;
  return <p class="headline">{strings.verdict.loading}</p>;
}

function Item({ concern: { tone, text, detail, remedy, link } }: { concern: Concern }): VNode {
  return (
    <li class={tone}>
      <Icon tone={tone} />
      <div>
        <strong>{text}</strong>
        {detail && <span class="soft">{detail}</span>}
        {remedy && <span class="remedy">{remedy}</span>}
        {link && <a class="remedy" href={ROOT + link}>{strings.models.see}</a>}
      </div>
    </li>
  );
}
