// What a browser gives and Node does not, as far as the tested modules ask for it. Imported before all of them.

const language = process.env["PANEL_LANGUAGE"] ?? "en";

export const page = {
  body: { dataset: {} as Record<string, string> }, hidden: false,
  addEventListener: (): void => undefined, removeEventListener: (): void => undefined,
};

function give(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

give("document", page);
give("navigator", { languages: [language] });
give("localStorage", { getItem: () => null, setItem: () => undefined });
give("location", { reload: () => { reloads.count++; } });

/** How often the page was to begin again. */
export const reloads = { count: 0 };

/** A request that a module sent. */
export interface Sent { method: string; path: string; body: unknown; headers: Record<string, string> }

type Reply = { status?: number; body?: unknown; etag?: string } | Error;

/** Answers all requests with `reply` from now on; what was sent is in the returned list. */
export function serve(reply: (sent: Sent) => Reply | Promise<Reply>): Sent[] {
  const all: Sent[] = [];
  give("fetch", async (url: string, options: { method: string; body?: string; headers: Record<string, string> }) => {
    const sent = { method: options.method, path: url, body: options.body && JSON.parse(options.body), headers: options.headers };
    all.push(sent);
    const answer = await reply(sent);
    if (answer instanceof Error) throw answer;
    const headers: Record<string, string> = answer.etag ? { ETag: answer.etag } : {};
    return new Response(answer.body === undefined ? null : JSON.stringify(answer.body), { status: answer.status ?? 200, headers });
  });
  return all;
}

/** Wait until `condition` holds; fails after two seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 2_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`never true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

// The modules under test use the texts while they load.
const { loadStrings } = await import("../src/strings");
await loadStrings();
