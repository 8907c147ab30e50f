// A try of one engine: say this, hear this, look at this, answer this. Its jobs are real ones, and name the engine.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";

import { milliseconds } from "../../format";
import { Icon, MockBadge } from "../../parts/card";
import { Detections } from "../../parts/detections";
import type { DetectedObject } from "../../parts/detections";
import { useBlob } from "../../parts/content";
import { base64Of, jpegOf } from "../../parts/files";
import { ProblemText } from "../../parts/problem-text";
import { runJob } from "../../server/jobs";
import type { Fields, Job, ProviderView } from "../../server/resources";
import { Problem } from "../../server/rest";
import { ROOT } from "../../server/root";
import { refusal } from "../../server/session";
import { speak } from "../../server/speech";
import { strings } from "../../strings";

const words = strings.providers;

interface Outcome { ms: number; job: Job | null; input: string; sound: string }

export function ProviderTest({ provider }: { provider: ProviderView }): VNode {
  const text = useSignal(provider.domain === "text_to_speech" ? words.sayThis : words.answerThis);
  const busy = useSignal(false);
  const outcome = useSignal<Outcome | null>(null);
  const problem = useSignal<Problem | null>(null);
  const refused = refusal("operate");

  const run = async (work: () => Promise<Omit<Outcome, "ms">>): Promise<void> => {
    if (busy.value || refused) return;
    busy.value = true;
    problem.value = outcome.value = null;
    const begin = performance.now();
    try {
      outcome.value = { ...(await work()), ms: performance.now() - begin };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem.value = error;
    } finally {
      busy.value = false;
    }
  };
  const withJob = (task: string, payload: Fields, input = ""): Promise<void> =>
    run(async () => ({ job: await runJob({ task, payload, provider: provider.name, origin: "panel", priority: "high" }), input, sound: "" }));

  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (provider.domain === "text_generation") void withJob("text.generate", { prompt: text.value });
    else void run(async () => ({ job: null, input: "", sound: await speak(text.value, provider.name) }));
  };
  const choose = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    if (provider.domain === "object_detection") {
      const image = await jpegOf(file).catch(() => "");
      if (!image) problem.value = new Problem(0, "file", words.noPicture(file.name), "");
      else await withJob("vision.detect", { image }, image);
    } else await withJob("voice.transcribe", { audio: await base64Of(file), format: "wav" });
  };

  const takesText = provider.domain === "text_to_speech" || provider.domain === "text_generation";
  return (
    <div class="try" aria-busy={busy.value}>
      {takesText ? (
        <form onSubmit={submit}>
          <input aria-label={words.test} value={text.value} maxLength={500} required onInput={(event) => void (text.value = event.currentTarget.value)} />
          <button class="primary" type="submit" title={refused} aria-disabled={busy.value || refused !== ""}>{busy.value && <Icon tone="busy" />}{words.verbs[provider.domain]}</button>
        </form>
      ) : (
        <label class={`file${busy.value ? " busy" : ""}`} title={refused}>
          {busy.value && <Icon tone="busy" />}{words.verbs[provider.domain]}
          <input
            type="file" accept={provider.domain === "object_detection" ? "image/*" : "audio/wav,.wav"} disabled={busy.value || refused !== ""}
            onChange={({ currentTarget }) => void choose(currentTarget.files?.[0]).then(() => (currentTarget.value = ""))}
          />
        </label>
      )}
      {problem.value && <p class="problem" role="alert"><Icon tone="bad" /><span><ProblemText problem={problem.value} /></span></p>}
      <div aria-live="polite">{outcome.value && <Shown outcome={outcome.value} mock={provider.mock} />}</div>
    </div>
  );
}

function Shown({ outcome: { ms, job, input, sound }, mock }: { outcome: Outcome; mock: boolean }): VNode {
  const result = job?.result;
  return (
    <div class="outcome">
      <p class="soft meta">
        {words.took(milliseconds(ms))}<MockBadge mock={job?.mock ?? mock} />
        {job && <a href={`${ROOT}/queue/${job.id}`}>{words.seeJob}</a>}
      </p>
      {job?.problem && <p class="problem" role="alert"><Icon tone="bad" /><span><ProblemText problem={job.problem} /></span></p>}
      {sound && <Played base64={sound} />}
      {result && typeof result["text"] === "string" && <p class="words">{result["text"] || <span class="soft">{strings.talk.noSpeech}</span>}</p>}
      {result && Array.isArray(result["objects"]) && (
        <Detections image={input} objects={result["objects"] as DetectedObject[]} width={Number(result["width"])} height={Number(result["height"])} />
      )}
    </div>
  );
}

function Played({ base64 }: { base64: string }): VNode {
  return <audio controls autoplay src={useBlob(base64, "audio/wav")} aria-label={strings.actions.play} />;
}
