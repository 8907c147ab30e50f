// The messages of the server, as rider_core/web/events.py and poller.py write them.

import type { ModelOperation } from "./resources";

export interface Provider { name: string; domain: string; mock: boolean; details?: string }

export interface Process {
  name: string; role: string; pid: number | null; queues: string[]; state: string;
  providers: Provider[]; problems: string[]; heard_ts: number; alive: boolean;
}

export interface Domain {
  mode: string; status: string; reason: string; ts: number;
  choice?: string; by?: string; why?: string; problem?: string; unattended?: boolean;
}

/** What the robot told last about itself; `ts`: when it came. */
export interface Telemetry {
  pose: { ts: number; x_m: number; y_m: number; heading_deg: number } | null;
  motion: { ts: number; moving: boolean | null; forward: number | null; turn: number | null; emergency_stop: boolean | null } | null;
  body: { ts: number; battery_pct: number | null; firmware: string } | null;
  attitude: { ts: number; roll_deg: number | null; pitch_deg: number | null; yaw_deg: number | null } | null;
  link: { ts: number; bus_ms: number | null; http_ms: number | null; messages_per_s: number } | null;
}

export interface Restart { what: string; why: string; command: string }

export interface Robot {
  address: string; simulated: boolean | null; up?: boolean | null; reason?: string;
  battery_pct?: number | null; domains?: Record<string, Domain>; restarts?: Restart[]; ts?: number;
}

export interface Redis {
  up: boolean; reason: string; write_problem?: string; embedded: boolean; address: string;
  product?: string; version?: string; memory_mb?: number;
}

export interface Plugin {
  name: string; package: string; version: string; state: string; reason: string; providers: Provider[];
}

/** Of `pages` and `cards` the paths are below the panel's own address. */
export interface PluginHost { safe_mode: boolean; pages: Titled[]; cards: Titled[] }
export interface Titled { title: string; path: string }

export interface QueueFigures {
  queue: string; waiting: number; scheduled: number; running: number; failed: number; workers: number; oldest_s: number | null;
  paused: boolean;
}
export interface Queues { figures: QueueFigures[]; problem: string }

export interface Row { key: string; rank: number; ts: number }
export interface Problem { code: string; message: string; remedy: string | null }

export interface Job extends Row {
  id: string; task: string; queue: string; origin: string; priority: string; state: string;
  attempts: number | null; provider: string; mock: boolean;
  waited_ms: number | null; ran_ms: number | null; problem: Problem | null;
}

export interface Transcript extends Row {
  text: string; language: string; duration_s: number | null; latency_s: number | null;
  /** Of the answer: milliseconds to its first sentence, and its job; empty: none yet. */
  sentence_ms: number | null; reply_job: string; job: string;
  no_speech: boolean; provider: string; mock: boolean;
}

export interface Speech extends Row {
  text: string; chunks: number | null; first_chunk_ms: number | null; answered_s: number | null; job: string; duration_s: number | null;
  provider: string; mock: boolean;
}

export interface Refused extends Row { topic: string; code: string; message: string; count: number }
export interface Activity extends Row { good: number; bad: number }

export interface Sections {
  robot: Robot; telemetry: Telemetry; redis: Redis; processes: Process[]; plugins: Plugin[]; queues: Queues;
  plugin_host: PluginHost; bus: { dropped: number }; outages: { written: number }; database: { problem: string };
  /** For how long what kinds of media can be played or seen (`MediaKind`). */
  kept: { age_s: number; kinds: string[] };
  /** For each resource of the REST interface the number of its changes. */
  changes: Record<string, number>;
  /** By model: its download or verification. */
  models: Record<string, ModelOperation>;
}

export interface Tables {
  jobs: Job[]; transcripts: Transcript[]; speech: Speech[]; refused: Refused[]; activity: Activity[];
}

export interface StateDelta {
  now: number; full: boolean; revision: number;
  limits?: Record<keyof Tables, number>;
  sections: Partial<Sections>;
  rows: Partial<Tables>;
}
