// The page: what needs attention on top, and the cards.

import { useComputed, useSignalEffect } from "@preact/signals";
import type { VNode } from "preact";

import { concerns } from "./attention";
import type { Concern } from "./attention";
import { ChartCard } from "./cards/chart";
import { JobsCard } from "./cards/jobs";
import { PluginsCard } from "./cards/plugins";
import { ProcessesCard } from "./cards/processes";
import { QueuesCard } from "./cards/queues";
import { RefusedCard } from "./cards/refused";
import { RobotCard } from "./cards/robot";
import { TalkCard } from "./cards/talk";
import { Languages } from "./languages";
import { Icon, Pill } from "./parts";
import { ROOT } from "./root";
import { session, signOut } from "./session";
import { connection, loaded } from "./state";
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
    <>
      <header class="top">
        <img src={`${ROOT}/static/favicon.svg`} alt="" width={36} height={36} />
        <h1>{strings.title}<span class="soft version">{session.value.version}</span></h1>
        <div class="verdict" role="status"><Headline found={found.value} /></div>
        <Account />
        <Languages />
        <span class="connection">
          <Pill tone={CONNECTION_TONES[connection.value]} text={strings.connection[connection.value]} />
        </span>
      </header>
      <ul class="concerns" hidden={!found.value.length}>{found.value.map((concern) => <Item key={concern.key} concern={concern} />)}</ul>
      <main>
        <div class="glance">
          <RobotCard />
          <ProcessesCard />
          <div class="stack"><QueuesCard /><PluginsCard /></div>
        </div>
        <div class="story">
          <TalkCard />
          <div class="work"><ChartCard /><JobsCard /></div>
        </div>
        <RefusedCard />
      </main>
    </>
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

function seriousOf(found: readonly Concern[]): Concern[] {
  return found.filter((concern) => concern.tone !== "quiet");
}

function Headline({ found }: { found: readonly Concern[] }): VNode {
  const serious = seriousOf(found);
  const worst: Tone = serious.some((concern) => concern.tone === "bad") ? "bad" : serious.length ? "warn" : "good";
  if (serious.length) return <p class={`headline ${worst}`}><Icon tone={worst} />{strings.verdict.attention(serious.length)}</p>;
  if (loaded.value) return <p class="headline good"><Icon tone="good" />{strings.verdict.well}</p>;
  return <p class="headline">{strings.verdict.loading}</p>;
}

function Item({ concern: { tone, text, detail, remedy } }: { concern: Concern }): VNode {
  return (
    <li class={tone}>
      <Icon tone={tone} />
      <div>
        <strong>{text}</strong>
        {detail && <span class="soft">{detail}</span>}
        {remedy && <span class="remedy">{remedy}</span>}
      </div>
    </li>
  );
}
