// Transcripts and speech as one conversation, the newest on top: with the sound where it is kept, and the job of each.

import type { ComponentChildren, VNode } from "preact";

import { milliseconds, seconds } from "../format";
import { Card, Empty, MockBadge, Moment, useEntrance } from "../parts/card";
import { PlayButton } from "../parts/play-button";
import { ROOT } from "../server/root";
import { tables } from "../server/state";
import { strings } from "../strings";
import type { Speech, Transcript } from "../server/messages";

const words = strings.talk;
type Turn = Transcript | Speech;

export function TalkCard(): VNode {
  const entrance = useEntrance();
  const turns: Turn[] = [...tables.transcripts.value, ...tables.speech.value].sort((a, b) => b.rank - a.rank);
  return (
    <Card id="talk" heading={words.heading}>
      {turns.length
        ? <ol class="talk" tabIndex={0} aria-label={words.heading}>{turns.map((turn) => isHeard(turn)
          ? <Heard key={`heard ${turn.key}`} turn={turn} entrance={entrance(`heard ${turn.key}`)} />
          : <Spoken key={`spoken ${turn.key}`} turn={turn} entrance={entrance(`spoken ${turn.key}`)} />)}</ol>
        : <Empty text={words.empty} command={words.emptyCommand} />}
    </Card>
  );
}

function isHeard(turn: Turn): turn is Transcript {
  return "latency_s" in turn;
}

interface TurnProps<T> { turn: T; entrance: string | undefined }

function Heard({ turn, entrance }: TurnProps<Transcript>): VNode {
  const said = turn.no_speech || !turn.text
    ? <p class="soft words">{words.noSpeech}</p>
    : <p class="words" lang={turn.language || undefined}>{turn.text}</p>;
  return (
    <Line kind="heard" who={words.heard} turn={turn} entrance={entrance} said={said}>
      {turn.language && <span class="tag" lang={turn.language}>{turn.language}</span>}
      {turn.duration_s !== null && <span>{words.utterance(seconds(turn.duration_s))}</span>}
      {turn.latency_s !== null && <span class={turn.latency_s > 2.5 ? "slow" : undefined}>{words.answered(seconds(turn.latency_s))}</span>}
      {turn.sentence_ms !== null && <Step job={turn.reply_job} text={words.replied(milliseconds(turn.sentence_ms))} />}
    </Line>
  );
}

function Spoken({ turn, entrance }: TurnProps<Speech>): VNode {
  return (
    <Line kind="spoken" who={words.spoken} turn={turn} entrance={entrance} said={<p class="words">{turn.text}</p>}>
      {turn.duration_s !== null && <span>{words.utterance(seconds(turn.duration_s))}</span>}
      {turn.answered_s !== null && <span>{words.firstSound(seconds(turn.answered_s))}</span>}
      {turn.first_chunk_ms !== null && <span>{words.firstChunk(milliseconds(turn.first_chunk_ms))}</span>}
      {turn.chunks !== null && <span>{words.chunks(turn.chunks)}</span>}
    </Line>
  );
}

/** A step that leads to its job. */
function Step({ job, text }: { job: string; text: string }): VNode {
  if (!job) return <span>{text}</span>;
  return <a class="step" href={`${ROOT}/queue/${encodeURIComponent(job)}`} title={words.toJob}>{text}</a>;
}

interface LineProps { kind: "heard" | "spoken"; who: string; turn: Turn; entrance: string | undefined; said: VNode; children: ComponentChildren }

function Line({ kind, who, turn, entrance, said, children }: LineProps): VNode {
  return (
    <li class={entrance ? `${kind} ${entrance}` : kind}>
      <div class="meta">
        <span class="who">{who}</span><MockBadge mock={turn.mock} />
        <span class="when"><Moment ts={turn.ts} /></span>
        <PlayButton job={turn.job} kind={kind} ts={turn.ts} />
      </div>
      {said}
      <div class="soft detail">{children}{turn.provider && <Step job={turn.job} text={turn.provider} />}</div>
    </li>
  );
}
