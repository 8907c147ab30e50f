// One job whole: where its time went, what was submitted, what came out, and what can be done with it.

import { useSignal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";
import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso/router";

import { Button } from "../../parts/button";
import { Card, Icon, MockBadge, Moment, Pill } from "../../parts/card";
import { areYouSure } from "../../parts/dialog";
import { notify } from "../../parts/notices";
import { RemoteView } from "../../parts/remote-view";
import { Content } from "../../parts/content";
import { ProblemText } from "../../parts/problem-text";
import { useRemote } from "../../server/remote";
import { mediaOf } from "../../server/resources";
import type { Fields, Job, JobView, MediaKind } from "../../server/resources";
import { send } from "../../server/rest";
import { refusal } from "../../server/session";
import { clock, sections, tables } from "../../server/state";
import { strings } from "../../strings";
import { BatchProgress } from "./job-list";
import { hasEnded, nameOf, toneOf } from "./job-states";
import { Waterfall } from "./waterfall";

const words = strings.queue;

interface JobDetailsProps { id: string; back: string; onChange: () => Promise<void> }

export function JobDetails({ id, back, onChange }: JobDetailsProps): VNode {
  const view = useRemote<JobView>(`/jobs/${encodeURIComponent(id)}`);
  const job = view.data.value?.job;
  // Read again when an event tells of this job, and each second while a batch runs.
  const told = tables.jobs.value.find((row) => row.id === id);
  const beat = job?.progress && !hasEnded(job) ? clock.value : 0;
  useEffect(() => void view.reload(), [told?.state, told?.rank, beat]);
  return (
    <Card id="job" scrolls heading={words.job} aside={<a class="plain" href={back}>{words.closeJob}</a>}>
      <RemoteView remote={view}>{(data) => <Whole view={data} back={back} onChange={async () => {
        await Promise.all([view.reload(), onChange()]);
      }} />}</RemoteView>
    </Card>
  );
}

function Whole({ view: { job, payload, shortened, traceback, media, times, kept }, back, onChange }: { view: JobView; back: string; onChange: () => Promise<void> }): VNode {
  return (
    <>
      <div class="lead">
        <span class="title">{job.task || strings.none}</span>
        <Pill tone={toneOf(job.state)} text={nameOf(job.state)} /><MockBadge mock={job.mock} />
      </div>
      <p class="soft id"><code>{job.id}</code></p>
      <Actions job={job} back={back} onChange={onChange} />
      {job.problem && (
        <div class={`trouble ${job.state === "failed" ? "" : "mild"}`}>
          <Icon tone={toneOf(job.state)} />
          <div>
            <ProblemText problem={job.problem} /> <span class="soft">{job.problem.code}</span>
          </div>
        </div>
      )}
      {kept && <p class="soft kept">{words.kept}</p>}
      <Media job={job} media={media} />
      <Waterfall job={job} times={times} />
      <dl class="facts">
        <Fact name={words.queue}>{job.queue}</Fact>
        <Fact name={words.provider}>{job.provider ?? strings.none}</Fact>
        <Fact name={words.origin}>{job.origin || strings.none}</Fact>
        <Fact name={words.priority}>{words.priorities[job.priority]}</Fact>
        <Fact name={words.attempts}>{String(job.attempts)}</Fact>
        <Fact name={words.submitted}><Moment ts={job.submitted_ts} /></Fact>
        {job.trace_id && job.trace_id !== job.id && <Fact name={words.trace}><code>{job.trace_id}</code></Fact>}
        {job.progress && <Fact name={words.batch}><BatchProgress job={job} /></Fact>}
      </dl>
      <Payload heading={job.progress ? words.firstPayload : words.payload} payload={payload && withoutMedia(payload, media)} shortened={shortened} />
      {job.result && <Part heading={words.result}><Content fields={job.result} /></Part>}
      {traceback && <Part heading={words.traceback}><pre class="traceback" tabIndex={0}>{traceback}</pre></Part>}
    </>
  );
}

/** What was submitted. Nothing is shown of a payload that has only sound or a picture. */
function Payload({ heading, payload, shortened }: { heading: string; payload: Fields | null; shortened: boolean }): VNode | null {
  if (payload && !Object.keys(payload).length) return null;
  return (
    <Part heading={heading}>
      {payload ? <Content fields={payload} /> : <p class="soft">{words.noPayload}</p>}
      {shortened && <p class="soft">{words.shortened}</p>}
    </Part>
  );
}

/** The field of the payload that is shown as media. */
const FIELDS: Partial<Record<MediaKind, string>> = { heard: "audio", picture: "image" };

function withoutMedia(payload: Fields, media: readonly MediaKind[]): Fields {
  const hidden = media.map((kind) => FIELDS[kind]);
  return Object.fromEntries(Object.entries(payload).filter(([name]) => !hidden.includes(name)));
}

function Media({ job, media }: { job: Job; media: readonly MediaKind[] }): VNode | null {
  if (media.length) return <div class="media">{media.map((kind) => <OneMedia key={kind} job={job.id} kind={kind} />)}</div>;
  const isHidden = job.task === "voice.transcribe" && sections.kept.value?.kinds.includes("heard") === false;
  return isHidden ? <p class="soft kept">{words.heardNotKept} <code>RIDER_KEEP_HEARD_SOUND=true</code></p> : null;
}

function OneMedia({ job, kind }: { job: string; kind: MediaKind }): VNode {
  const isBroken = useSignal(false);
  const broken = (): void => void (isBroken.value = true);
  if (isBroken.value) return <span class="soft">{kind === "picture" ? strings.actions.noPicture : strings.actions.soundGone}</span>;
  const url = mediaOf(job, kind);
  if (kind === "picture") return <img class="picture" src={url} alt={strings.actions.picture} onError={broken} />;
  return (
    <figure>
      <figcaption class="soft">{words.media[kind]}</figcaption>
      <audio controls src={url} preload="metadata" aria-label={words.media[kind]} onError={broken} />
    </figure>
  );
}

function Part({ heading, children }: { heading: string; children: ComponentChildren }): VNode {
  return <section class="part"><h3>{heading}</h3>{children}</section>;
}

function Fact({ name, children }: { name: string; children: VNode | string | undefined }): VNode {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}

function Actions({ job, back, onChange }: { job: Job; back: string; onChange: () => Promise<void> }): VNode | null {
  const { route } = useLocation();
  const path = `/jobs/${encodeURIComponent(job.id)}`;
  const refused = refusal("operate");
  const cancel = async (): Promise<void> => {
    if (job.state === "running" && !(await areYouSure(words.cancel, words.cancelSure, words.cancel))) return;
    await send("POST", `${path}/cancel`);
    notify(words.cancelled);
    await onChange();
  };
  const retry = async (): Promise<void> => {
    await send("POST", `${path}/retry`);
    notify(words.retried(1));
    await onChange();
  };
  const remove = async (): Promise<void> => {
    if (!(await areYouSure(words.delete, words.deleteSure, words.delete))) return;
    await send("DELETE", path);
    notify(words.deleted(1));
    await onChange();
    route(back);
  };
  if (!hasEnded(job)) return <div class="buttons"><Button refused={refused} onAct={cancel}>{words.cancel}</Button></div>;
  if (job.state !== "failed") return null;
  return (
    <div class="buttons">
      <Button kind="primary" refused={refused} onAct={retry}>{words.retry}</Button>
      <Button refused={refused} onAct={remove}>{words.delete}</Button>
    </div>
  );
}
