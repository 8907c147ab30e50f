// Speech from the interface that OpenAI's clients use, too: its answer is the sound, not a job.

import { base64Of } from "../parts/files";
import { strings } from "../strings";
import { Problem, csrfHeaders } from "./rest";
import { ROOT } from "./root";

/** The text as a WAV file in base64, spoken by that engine. Throws a `Problem`. */
export async function speak(text: string, provider: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch(`${ROOT}/v1/audio/speech`, {
      method: "POST", headers: { "Content-Type": "application/json", ...csrfHeaders() },
      body: JSON.stringify({ model: provider, input: text, response_format: "wav" }),
    });
  } catch {
    throw new Problem(0, "no_answer", strings.rest.noPanel, "");
  }
  if (!response.ok) {
    const { error } = (await response.json().catch(() => ({}))) as { error?: { message?: string } };
    throw new Problem(response.status, "speech", error?.message ?? strings.rest.refused(response.status), "");
  }
  return base64Of(await response.blob());
}
