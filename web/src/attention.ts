// Problems and notes for the top of the page. With notes only (tone "quiet") the headline is "all is well".

import type { Tone } from "./tones";
import { connection, sections } from "./server/state";
import { strings } from "./strings";
import { told } from "./told";
import type { Plugin } from "./server/messages";

/** `link`: the page on which it is put right, below the root; empty: none. */
export interface Concern { key: string; tone: Tone; text: string; detail: string; remedy: string; link: string }

/** A model that a worker lacks, in its problem. */
const MODEL = /\bmodel '[^']+' (?:is not installed|is damaged)/;
/** The list of models on its page. */
export const MODELS_LINK = "/control#models";

const DOMAINS: Record<string, string> = {
  "voice.transcribe": "speech_to_text", "voice.synthesize": "text_to_speech",
  "vision.detect": "object_detection", "text.generate": "text_generation",
};

/** Whether a worker's problem ("task: why") is only that no engine for the task is installed: a gap, not a fault. */
export function isGap(problem: string, plugins: readonly Plugin[] = []): boolean {
  const domain = DOMAINS[problem.split(":")[0] ?? ""];
  return domain !== undefined
    && !plugins.some((plugin) => plugin.state !== "disabled" && (plugin.state !== "loaded"
      || plugin.providers.some((provider) => provider.domain === domain && !provider.mock)));
}

export function concerns(): Concern[] {
  const words = strings.attention;
  const found: Concern[] = [];
  const add = (tone: Tone, text: string, detail = "", remedy = "", link = ""): void => {
    found.push({ key: `${tone}:${text}:${detail}`, tone, text, detail, remedy, link });
  };
  const redis = sections.redis.value, robot = sections.robot.value, processes = sections.processes.value ?? [];
  const plugins = sections.plugins.value, queues = sections.queues.value;
  const database = sections.database.value, bus = sections.bus.value;
  if (connection.value === "lost") add("bad", words.lost, "", words.lostRemedy);
  if (redis && !redis.up) add("bad", words.redis, told(redis.reason), words.redisRemedy);
  if (redis?.write_problem) add("bad", words.redisFull, redis.write_problem, words.redisFullRemedy);
  // A process that cannot write to Redis cannot report its status.
  const redisUp = redis?.up === true && !redis.write_problem;
  const alive = processes.filter((process) => process.alive);
  if (redisUp && !alive.some((process) => process.role === "link")) add("bad", words.noLink, "", words.noLinkRemedy);
  else if (robot?.up === false) add("bad", words.robotDown(robot.address), told(robot.reason ?? ""), words.robotDownRemedy);
  if (robot?.domains?.["vision"]?.unattended) add("warn", words.unattended, "", words.unattendedRemedy);
  for (const restart of robot?.restarts ?? []) {
    add("warn", strings.robot.restart(restart.what), "", words.restartRemedy(restart.command));
  }
  if (redisUp && !alive.some((process) => process.role === "worker")) add("bad", words.noWorker, "", words.noWorkerRemedy);
  for (const process of processes) {
    if (redisUp && !process.alive && process.state !== "stopped") add("warn", words.silent(process.name), "", words.silentRemedy);
  }
  for (const [problem, names] of problemsOf(alive)) {
    if (isGap(problem, plugins)) add("quiet", told(problem), names.join(", "));
    else add("warn", told(problem), names.join(", "), "", MODEL.test(problem) ? MODELS_LINK : "");
  }
  if (sections.plugin_host.value?.safe_mode) add("warn", words.safeMode, "", words.safeModeRemedy);
  if (plugins && !plugins.length) add("warn", words.noPlugins, "", words.noPluginsRemedy);
  for (const plugin of plugins ?? []) {
    if (plugin.state === "failed") add("warn", words.pluginFailed(plugin.name), plugin.reason, words.pluginRemedy);
    if (plugin.state === "incompatible") {
      add("warn", words.pluginIncompatible(plugin.name), plugin.reason, words.pluginRemedy);
    }
  }
  if (queues?.problem) add("warn", queues.problem);
  for (const figures of queues?.figures ?? []) {
    if (figures.paused) add("warn", words.paused(figures.queue, figures.waiting), "", words.pausedRemedy(figures.queue));
    else if (figures.waiting && !figures.workers && alive.some((process) => process.role === "worker")) {
      add("warn", words.unserved(figures.queue, figures.waiting), "", words.unservedRemedy(figures.queue));
    }
  }
  if (database?.problem) add("warn", words.database, database.problem);
  if (bus?.dropped) add("warn", words.dropped(bus.dropped));
  return found;
}

/** Each problem once, with the processes that have it. */
function problemsOf(processes: readonly { name: string; problems: string[] }[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const process of processes) {
    for (const problem of process.problems) found.set(problem, [...(found.get(problem) ?? []), process.name]);
  }
  return found;
}
