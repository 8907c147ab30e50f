// Jobs that are submitted at their times: when each is due next, how it went, and what can be changed.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";

import { ahead, dateTime } from "../../format";
import { Button } from "../../parts/button";
import { Card, Empty, Moment, Pill } from "../../parts/card";
import { areYouSure } from "../../parts/dialog";
import { notify } from "../../parts/notices";
import { RemoteView } from "../../parts/remote-view";
import { useRemote } from "../../server/remote";
import type { Job, Schedule, ScheduleRecord, Task } from "../../server/resources";
import { send } from "../../server/rest";
import { ROOT } from "../../server/root";
import { refusal } from "../../server/session";
import { clock } from "../../server/state";
import { strings } from "../../strings";
import type { Tone } from "../../tones";
import { SubPages } from "../queue/queue-page";
import { ScheduleForm } from "./schedule-form";

const words = strings.schedules;

interface View { schedules: ScheduleRecord[]; schedulers: number }

/** Which schedule the form is open for: `null` none, `"new"`, or one to change. */
type Open = Schedule | "new" | null;

export function SchedulesPage(): VNode {
  const view = useRemote<View>("/schedules");
  const tasks = useRemote<{ tasks: Task[] }>("/tasks");
  const open = useSignal<Open>(null);
  const known = tasks.data.value?.tasks;
  return (
    <div class="schedules-page">
      <SubPages current="schedules" />
      <Card id="schedules" heading={words.heading} aside={
        <Button kind="primary" refused={refusal("operate")} onAct={() => void (open.value = "new")}>{words.add}</Button>
      }>
        <RemoteView remote={view}>
          {({ schedules, schedulers }) => (
            <>
              {!schedulers && schedules.length > 0 && <p class="trouble mild" role="alert">{words.noScheduler} <code>rider up</code></p>}
              {schedules.length
                ? <ul class="rows schedules">{schedules.map((record) => <Row key={record.id} record={record} onEdit={(it) => void (open.value = it)} onChange={view.reload} />)}</ul>
                : <Empty text={words.empty} />}
            </>
          )}
        </RemoteView>
      </Card>
      {open.value && known && (
        <ScheduleForm
          schedule={open.value === "new" ? null : open.value} tasks={known} onClose={() => void (open.value = null)}
          onSaved={view.reload}
        />
      )}
    </div>
  );
}

function Row({ record, onEdit, onChange }: { record: ScheduleRecord; onEdit: (schedule: Schedule) => void; onChange: () => Promise<void> }): VNode {
  const { id, schedule, next_ts: next } = record;
  const path = `/schedules/${encodeURIComponent(id)}`, refused = refusal("operate");
  const broken = record.problem !== null || !schedule, paused = !broken && !schedule.enabled;
  const [tone, state]: [Tone, string] = broken ? ["bad", words.broken] : paused ? ["quiet", words.paused] : ["good", words.active];
  const enable = async (enabled: boolean): Promise<void> => {
    await send("PATCH", path, { enabled });
    notify(enabled ? words.resumed(id) : words.pausedIt(id), "good", () => enable(!enabled));
    await onChange();
  };
  const run = async (): Promise<void> => {
    const { body } = await send("POST", `${path}/run`);
    notify(words.started((body as Job).id));
  };
  const remove = async (): Promise<void> => {
    if (!(await areYouSure(words.delete, words.deleteSure(id), words.delete))) return;
    await send("DELETE", path);
    const undo = schedule && (async () => {
      const { id: _, ...plan } = schedule;
      await send("PUT", path, plan, { "If-None-Match": "*" });
      await onChange();
    });
    notify(words.deleted(id), "good", undo);
    await onChange();
  };
  return (
    <li class={broken ? "broken" : paused ? "paused" : undefined}>
      <div class="what">
        <strong>{id}</strong> <span class="soft">{schedule?.description}</span>
        <div class="soft detail">
          {schedule && <span>{schedule.task}</span>}
          {schedule && <span><code>{ruleOf(schedule)}</code>{schedule.cron && schedule.timezone}</span>}
          <span>{words.fired(record.fired)}</span>
          {record.missed > 0 && <span>{words.missed(record.missed)}</span>}
          {record.last_due_ts !== null && (
            <a href={`${ROOT}/queue/${encodeURIComponent(`${id}-${record.last_due_ts}`)}`}>{words.last} <Moment ts={record.last_due_ts} /></a>
          )}
        </div>
        {record.problem && <p class="reason">{record.problem}</p>}
      </div>
      <div class="next">
        <Pill tone={tone} text={state} />
        {next !== null && <time dateTime={new Date(next * 1000).toISOString()} title={dateTime(next)}>{ahead(next - clock.value)}</time>}
      </div>
      <div class="buttons">
        {schedule && <Button refused={refused} onAct={run}>{words.run}</Button>}
        {schedule && <Button refused={refused} onAct={() => enable(paused || broken)}>{paused || broken ? words.resume : words.pause}</Button>}
        {schedule && <Button refused={refused} onAct={() => onEdit(schedule)}>{words.edit}</Button>}
        <Button refused={refused} kind="plain" onAct={remove}>{words.delete}</Button>
      </div>
    </li>
  );
}

export function ruleOf(schedule: Schedule): string {
  return schedule.cron ?? words.every(schedule.every_s ?? 0);
}
