// Requests to the panel's REST interface: JSON, the session's token with each change, and problem details as errors.

import { strings } from "../strings";
import { ROOT } from "./root";

/** A panel that does not answer is given up after this time, in ms. It waits 5 s for the link itself. */
const LIMIT_MS = 9_000;

/** A field of the request that was refused: its path, such as `payload.text`, and the rule that it breaks. */
export interface WrongField { field: string; message: string }

/** Why a request failed. `status` is 0 where the panel did not answer; `code` is for programs. */
export class Problem extends Error {
  constructor(
    readonly status: number, readonly code: string, detail: string, readonly remedy: string,
    readonly fields: readonly WrongField[] = [],
  ) {
    super(detail);
  }
}

/** What a change must carry; empty where nobody has signed in. */
let csrf = "";

export function setCsrf(token: string): void {
  csrf = token;
}

/** The headers of a change that is sent without `send`. */
export function csrfHeaders(): Headers {
  return csrf ? { "X-CSRF-Token": csrf } : {};
}

export interface Answer { status: number; body: unknown; etag: string }
export type Headers = Readonly<Record<string, string>>;

/** What the panel answers; `body` is `null` where there is none. Throws a `Problem`. */
export async function send(method: string, path: string, body?: unknown, headers: Headers = {}, limitMs = LIMIT_MS): Promise<Answer> {
  const request = { method, path, body, headers, limitMs };
  return withSession(() => within(request, answerOf));
}

async function answerOf(response: Response): Promise<Answer> {
  return { status: response.status, body: await json(response), etag: response.headers.get("ETag") ?? "" };
}

/** A file that the panel answers. Throws a `Problem`. */
export async function download(method: string, path: string, limitMs: number): Promise<{ name: string; content: Blob }> {
  return withSession(() => within({ method, path, body: undefined, headers: {}, limitMs }, async (response) => (
    { name: /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? "rider", content: await response.blob() }
  )));
}

/** Once more, where somebody has signed in again in another tab: this one has the token of the session before. */
async function withSession<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "csrf") throw error;
  }
  const { body: session } = await within({ method: "GET", path: "/session", body: undefined, headers: {}, limitMs: LIMIT_MS }, answerOf);
  setCsrf((session as { csrf: string }).csrf);
  return ask();
}

interface Request { method: string; path: string; body: unknown; headers: Headers; limitMs: number }

/** What `read` makes of the answer, both within the limit. */
async function within<T>({ method, path, body, headers: others, limitMs }: Request, read: (response: Response) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), limitMs);
  const headers: Record<string, string> = { ...csrfHeaders(), ...others };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  let answer: T | undefined, problem: unknown;
  try {
    response = await fetch(`${ROOT}/api/v1${path}`, {
      method, headers, signal: stop.signal, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.ok) answer = await read(response);
    else problem = await json(response);
  } catch {
    throw new Problem(0, "no_answer", strings.rest.noPanel, "");
  } finally {
    clearTimeout(timer);
  }
  // The session has ended, or the first user was added: the page begins again, and asks for a password.
  if (response.status === 401 && path !== "/session") location.reload();
  if (!response.ok) throw problemOf(response.status, problem);
  return answer as T;
}

async function json(response: Response): Promise<unknown> {
  return response.json().catch(() => null) as Promise<unknown>;
}

function problemOf(status: number, answer: unknown): Problem {
  const fields = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  const text = (key: string): string => (typeof fields[key] === "string" ? fields[key] : "");
  const wrong = Array.isArray(fields["fields"]) ? (fields["fields"] as WrongField[]) : [];
  return new Problem(status, text("code"), text("detail") || strings.rest.refused(status), text("remedy"), wrong);
}
