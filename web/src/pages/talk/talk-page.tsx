// Talk to the robot's mind through this browser, and show it something: no robot is needed.

import { useSignal, useSignalEffect } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";

import { Card, Icon, MockBadge, Pill } from "../../parts/card";
import { milliseconds } from "../../format";
import { refusal } from "../../server/session";
import { Talk } from "../../server/talk";
import type { Line } from "../../server/lines";
import { strings } from "../../strings";
import { MicrophoneControl } from "./microphone-control";
import { WebcamCard } from "./webcam";

const words = strings.talkPage;

export function TalkPage(): VNode {
  const refused = refusal("operate");
  if (refused) return <Card id="talk-page" heading={words.heading}><p class="trouble mild">{refused}</p></Card>;
  return <div class="talk-page"><Conversation /><WebcamCard /></div>;
}

function Conversation(): VNode {
  const talk = useMemo(() => new Talk(), []);
  useEffect(() => () => talk.close(), []);
  const text = useSignal("");
  /** It was entered before the conversation was connected: it is asked then, unless it is changed. */
  const entered = useSignal(false);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    talk.speaker.unlock();
    entered.value = text.value.trim() !== "";
  };
  useSignalEffect(() => {
    if (!entered.value || !talk.isLive.value) return;
    const question = text.peek().trim();
    entered.value = false;
    text.value = "";
    talk.ask(question);
  });
  return (
    <Card id="talk-page" heading={words.heading} aside={<Status talk={talk} />}>
      <Lines talk={talk} />
      {talk.trouble.value && <p class="trouble mild" role="alert"><Icon tone="warn" /><span>{talk.trouble.value}</span></p>}
      <form class="say" onSubmit={submit}>
        <MicrophoneControl talk={talk} />
        <input
          aria-label={words.write} placeholder={words.write} value={text.value} maxLength={2000} autocomplete="off"
          onInput={(event) => {
            text.value = event.currentTarget.value;
            entered.value = false;
          }}
        />
        {talk.isSpeaking.value
          ? <button type="button" class="usual" onClick={() => talk.hush()}>{words.hush}</button>
          : <button type="submit" class="primary" aria-busy={entered.value}>{entered.value && <Icon tone="busy" />}{words.send}</button>}
      </form>
    </Card>
  );
}

function Status({ talk }: { talk: Talk }): VNode {
  if (!talk.isLive.value) return <Pill tone="quiet" text={words.connecting} />;
  if (talk.isSpeaking.value) return <Pill tone="busy" text={words.speaking} />;
  if (talk.isThinking.value) return <Pill tone="busy" text={words.thinking} />;
  return <Pill tone="good" text={words.ready} />;
}

function Lines({ talk }: { talk: Talk }): VNode {
  const end = useRef<HTMLLIElement>(null);
  const lines = talk.lines.value;
  const last = lines[lines.length - 1];
  useEffect(() => end.current?.scrollIntoView({ block: "nearest" }), [last?.key, last?.text]);
  if (!lines.length) return <p class="empty">{words.empty}</p>;
  return (
    <ol class="talk" tabIndex={0} aria-label={words.heading} aria-live="polite">
      {lines.map((line) => <Bubble key={line.key} line={line} />)}
      <li ref={end} class="end" aria-hidden="true" />
    </ol>
  );
}

function Bubble({ line: { who, text, state, provider, mock, steps } }: { line: Line }): VNode {
  const times = Object.entries(steps).map(([name, ms]) => `${words.steps[name] ?? name} ${milliseconds(ms)}`);
  return (
    <li class={who === "robot" ? "spoken" : "heard"}>
      <div class="meta"><span class="who">{who === "robot" ? words.robot : words.you}</span></div>
      <p class="words">{text}{state === "writing" && <span class="cursor" aria-hidden="true">▍</span>}</p>
      <div class="soft detail">
        {provider && <span>{provider}<MockBadge mock={mock} /></span>}
        {state === "broken" && <span>{words.broken}</span>}
        {times.map((time) => <span key={time}>{time}</span>)}
      </div>
    </li>
  );
}
