// The answers of the REST interface, as rider_core/web/rest/ writes them. Times are seconds since the epoch.

import type { Problem, Provider } from "./messages";
import { ROOT } from "./root";
import type { Role } from "./session";

export type JobState = "scheduled" | "waiting" | "running" | "done" | "failed" | "expired" | "cancelled" | "replaced";
export type Priority = "high" | "normal" | "low";
/** A JSON object. */
export type Fields = Record<string, unknown>;

export interface Job {
  id: string; task: string; state: JobState; queue: string; priority: Priority; origin: string; trace_id: string;
  attempts: number; submitted_ts: number; due_ts: number | null; started_ts: number | null; ended_ts: number | null;
  provider: string | null; mock: boolean; progress: { total: number; done: number; failed: number } | null;
  result: Fields | null; problem: Problem | null;
}

export interface JobPage { jobs: Job[]; next: string | null; total: number }
/** A job's sound or picture: what a person said, speech, a picture. */
export type MediaKind = "heard" | "spoken" | "picture";

/** When a job's sound or result passed the link, by the link's clock; null: unknown. */
export interface LinkTimes {
  captured_ts: number | null; speech_ended_ts: number | null; heard_ts: number | null; delivered_ts: number | null;
}

export interface JobView {
  job: Job; payload: Fields | null; shortened: boolean; traceback: string; media: MediaKind[]; times: LinkTimes;
  /** Redis has forgotten the job: this is what the panel keeps of it. */
  kept: boolean;
}

/** The address of a job's sound or picture. */
export function mediaOf(job: string, kind: MediaKind): string {
  return `${ROOT}/api/v1/jobs/${encodeURIComponent(job)}/media/${kind}`;
}

export interface Task {
  name: string; queue: string; domain: string; timeout_s: number; batches: boolean; payload: Schema;
}

/** What we read of a JSON Schema that pydantic writes. */
export interface Schema {
  $ref?: string; $defs?: Record<string, Schema>; allOf?: Schema[]; anyOf?: Schema[]; oneOf?: Schema[];
  type?: string; enum?: unknown[]; const?: unknown; default?: unknown; format?: string; writeOnly?: boolean;
  title?: string; description?: string; properties?: Record<string, Schema>; required?: string[];
  items?: Schema; additionalProperties?: boolean | Schema;
  minimum?: number; maximum?: number; exclusiveMinimum?: number; exclusiveMaximum?: number;
  minLength?: number; maxLength?: number; pattern?: string;
}

export interface Schedule {
  id: string; cron: string | null; every_s: number | null; since_ts: number; timezone: string; enabled: boolean;
  missed: "once" | "skip"; description: string; task: string; payload: Fields; provider: string | null;
  priority: Priority; retry: Fields | null; deadline_s: number | null; origin: string;
}

export interface ScheduleRecord {
  id: string; schedule: Schedule | null; next_ts: number | null; last_due_ts: number | null; last_fired_ts: number | null;
  fired: number; late: number; missed: number; problem: string | null;
}

export interface ProviderView {
  name: string; domain: string; mock: boolean; plugin: string; place: number | null; enabled: boolean; problem: string;
}

export interface ProviderSettings {
  provider: string; values: Fields; saved: Fields; problem: string; json_schema: Schema;
}

/** Of a model: the work that runs, or ended last. Also in the live state, which tells its progress. */
export interface ModelOperation {
  kind: "download" | "verification"; state: "queued" | "running" | "done" | "failed" | "cancelled"; phase: string;
  done_bytes: number; total_bytes: number; bytes_per_s: number | null; problem: string; remedy: string;
  started_ts: number; ended_ts: number | null;
}
export interface ModelView {
  name: string; description: string; licence: string; licence_url: string; filename: string; size_bytes: number; sha256: string;
  plugin: string; sources: { hosts: string[]; packages: string[] }[];
  providers: { name: string; domain: string; needs_it: boolean; used: boolean }[];
  state: "missing" | "partial" | "installed" | "damaged"; damage: string; path: string; local: boolean; partial_bytes: number;
  verified_ts: number | null; operation: ModelOperation | null;
}
export interface Models { models: ModelView[]; folder: string; free_bytes: number | null }

export interface PluginView {
  name: string; package: string; version: string; state: string; reason: string; traceback: string; providers: Provider[];
  registers: { kind: string; name: string }[];
}
/** `version` is null: it is not installed. */
export interface InstallablePackage { name: string; version: string | null }
export interface PluginsView {
  plugins: PluginView[]; safe_mode: boolean; changed: { plugin: string; kind: string }[];
  setting: string; installable: InstallablePackage[];
}
export type PluginAction = "install" | "remove";
export type PluginPhase = "starting" | "installing" | "removing" | "checking" | "undoing" | "done" | "failed";
export interface PluginChangeView {
  change: {
    action: PluginAction; package: string; by: string; phase: PluginPhase; started_ts: number; ended_ts: number | null;
    version: string; plugins: string[]; problem: string; remedy: string | null;
  } | null;
  running: boolean; interrupted: boolean; lines: string[];
}

export interface Prompt { name: string; language: string; text: string; saved: boolean; built_in: string | null }
export interface User { name: string; role: Role; created_ts: number }
export interface Token {
  id: string; name: string; role: Role; created_by: string; created_ts: number; expires_ts: number | null;
}
export interface LogLine { id: string; ts: number; level: string; process: string; logger: string; message: string; trace_id: string }
export interface Setting { name: string; value: unknown; origin: string; variable: string; description: string }
export interface AuditEntry {
  id: number; ts: number; who: string; address: string; action: string; target: string; status: number;
  before: unknown; after: unknown;
}
export interface Switch { ts: number; domain: string; mode: string; by: string; reason: string }

export interface Outage { what: "bus" | "http" | "link"; begin_ts: number; end_ts: number | null; why: string }

export interface RobotView {
  address: string; base_url: string; simulated: boolean; pid: number;
  bus: { up: boolean; to_robot: boolean; from_robot: boolean; problem: string };
  heartbeat: { sent_ts: number | null; answered: boolean; problem: string };
  work: Record<string, Record<string, number>>; switches: Switch[];
}
export interface NamedRobot { name: string; problem: string; remedy: string | null; state: RobotView | null }
