// The form of a schedule: when its jobs are due, with the next times as it is typed, and what they do.

import { useSignal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";

import { dateTime } from "../../format";
import { Dialog } from "../../parts/dialog";
import { FormFields } from "../../parts/form/form";
import { Icon } from "../../parts/card";
import { notify } from "../../parts/notices";
import { ProblemText } from "../../parts/problem-text";
import type { Fields, Schedule, Task } from "../../server/resources";
import { Problem, send } from "../../server/rest";
import { strings } from "../../strings";

const words = strings.schedules;
/** The next times are asked for when people have stopped typing for so long, in ms. */
const PAUSE_MS = 300;
/** Jobs of a new schedule are submitted every day at half past seven, until somebody chooses another time. */
const FIRST_CRON = "30 7 * * *";

interface ScheduleFormProps {
  /** Null: a new one. */
  schedule: Schedule | null;
  tasks: readonly Task[];
  onClose: () => void;
  onSaved: () => Promise<void>;
}

export function ScheduleForm({ schedule, tasks, onClose, onSaved }: ScheduleFormProps): VNode {
  const id = useSignal(schedule?.id ?? "");
  const description = useSignal(schedule?.description ?? "");
  const repeats = useSignal<"cron" | "every">(schedule?.every_s ? "every" : "cron");
  const cron = useSignal(schedule?.cron ?? FIRST_CRON);
  const every = useSignal(String(schedule?.every_s ?? 3600));
  const timezone = useSignal(schedule?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  const taskName = useSignal(schedule?.task ?? tasks[0]?.name ?? "");
  const payload = useSignal<Fields>(schedule?.payload ?? {});
  const problem = useSignal<Problem | null>(null);
  const busy = useSignal(false);
  const task = tasks.find((each) => each.name === taskName.value);

  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const { id: _, ...before } = schedule ?? { id: "" };
    const plan = {
      ...before, description: description.value, task: taskName.value, payload: payload.value, timezone: timezone.value,
      cron: repeats.value === "cron" ? cron.value : null, every_s: repeats.value === "every" ? Number(every.value) : null,
    };
    busy.value = true;
    problem.value = null;
    try {
      const path = `/schedules/${encodeURIComponent(id.value)}`;
      await send("PUT", path, plan, schedule ? {} : { "If-None-Match": "*" });
      const undo = async (): Promise<void> => {
        await (schedule ? send("PUT", path, before) : send("DELETE", path));
        await onSaved();
      };
      notify(words.saved(id.value), "good", undo);
      await onSaved();
      onClose();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem.value = error;
    } finally {
      busy.value = false;
    }
  };

  return (
    <Dialog heading={schedule ? words.change(schedule.id) : words.add} onClose={onClose} wide>
      <form class="schedule-form" onSubmit={(event) => void save(event)} aria-busy={busy.value}>
        <div class="columns">
          <Text label={words.id} value={id} readOnly={schedule !== null} required pattern="[A-Za-z0-9_\-]{1,53}" title={words.idRule} />
          <Text label={words.description} value={description} maxLength={200} />
        </div>
        <fieldset>
          <legend>{words.when}</legend>
          <span class="switch" role="group" aria-label={words.when}>
            {(["cron", "every"] as const).map((kind) => (
              <button type="button" key={kind} aria-pressed={repeats.value === kind} onClick={() => void (repeats.value = kind)}>{words.repeats[kind]}</button>
            ))}
          </span>
          {repeats.value === "cron" ? (
            <>
              <div class="columns">
                <Text label={words.cron} value={cron} required maxLength={200} code />
                <Text label={words.timezone} value={timezone} required maxLength={64} />
              </div>
              <NextTimes cron={cron.value} timezone={timezone.value} />
            </>
          ) : <Text label={words.seconds} value={every} required pattern="[0-9]+" />}
        </fieldset>
        <fieldset>
          <legend>{words.what}</legend>
          <label class="field">{strings.queue.task}
            <select onChange={(event) => {
              taskName.value = event.currentTarget.value;
              payload.value = {};
            }}>
              {tasks.map((each) => <option key={each.name} value={each.name} selected={each.name === taskName.value}>{each.name}</option>)}
            </select>
          </label>
          {task && <FormFields key={task.name} schema={task.payload} values={payload} wrong={problem.value?.fields ?? []} path="payload" />}
        </fieldset>
        {problem.value && (
          <p class="problem" role="alert"><Icon tone="bad" /><span><ProblemText problem={problem.value} /></span></p>
        )}
        <div class="buttons">
          <button type="button" class="usual" onClick={onClose}>{strings.actions.cancel}</button>
          <button type="submit" class="primary" disabled={busy.value}>{busy.value && <Icon tone="busy" />}{strings.actions.save}</button>
        </div>
      </form>
    </Dialog>
  );
}

interface TextProps {
  label: string; value: Signal<string>; readOnly?: boolean; required?: boolean; pattern?: string; title?: string; maxLength?: number;
  code?: boolean;
}

function Text({ label, value, code = false, ...rest }: TextProps): VNode {
  return (
    <label class="field">{label}
      <input {...rest} class={code ? "code" : undefined} value={value.value} spellcheck={false} autocomplete="off" onInput={(event) => void (value.value = event.currentTarget.value)} />
    </label>
  );
}

function NextTimes({ cron, timezone }: { cron: string; timezone: string }): VNode {
  const times = useSignal<readonly string[]>([]);
  const problem = useSignal("");
  useEffect(() => {
    let wanted = true;
    const ask = async (): Promise<void> => {
      try {
        const { body } = await send("GET", `/due-times?cron=${encodeURIComponent(cron)}&timezone=${encodeURIComponent(timezone)}&count=4`);
        if (!wanted) return;
        times.value = (body as { times: number[] }).times.map((ts) => dateTime(ts, timezone));
        problem.value = "";
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (wanted) problem.value = error.message;
      }
    };
    const timer = setTimeout(() => void ask(), PAUSE_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [cron, timezone]);
  if (problem.value) return <p class="problem" role="status">{problem.value}</p>;
  return <p class="soft next-times" role="status">{words.nextTimes} {times.value.join(" · ")}</p>;
}
