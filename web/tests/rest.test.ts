// Requests to the REST interface, and what becomes of their errors.

import { reloads, serve } from "./browser";

import assert from "node:assert/strict";
import { test } from "node:test";

import { Problem, send, setCsrf } from "../src/server/rest";
import { strings } from "../src/strings";

async function problem(method = "GET", path = "/jobs"): Promise<Problem> {
  try {
    await send(method, path);
  } catch (error) {
    assert.ok(error instanceof Problem);
    return error;
  }
  throw new Error("it did not fail");
}

test("a change carries JSON and the session's token", async () => {
  setCsrf("secret");
  const sent = serve(() => ({ body: { ok: 1 }, etag: '"7"' }));
  const answer = await send("PUT", "/settings", { text: "cześć" }, { "If-Match": '"6"' });
  assert.deepEqual(answer, { status: 200, body: { ok: 1 }, etag: '"7"' });
  assert.deepEqual(sent, [{
    method: "PUT", path: "/api/v1/settings", body: { text: "cześć" },
    headers: { "X-CSRF-Token": "secret", "If-Match": '"6"', "Content-Type": "application/json" },
  }]);
});

test("a refusal has its code, its remedy and its fields", async () => {
  const fields = [{ field: "payload.text", message: "it is missing" }];
  serve(() => ({ status: 400, body: { code: "invalid_input", detail: "no", remedy: "yes", fields } }));
  const { status, code, message, remedy, fields: found } = await problem();
  assert.deepEqual({ status, code, message, remedy, found }, { status: 400, code: "invalid_input", message: "no", remedy: "yes", found: fields });
});

test("an answer that is no problem detail is a problem as well", async () => {
  for (const body of [undefined, null, "oops", [1], { detail: 7, remedy: null, fields: "x" }]) {
    serve(() => ({ status: 502, ...(body === undefined ? {} : { body }) }));
    const found = await problem();
    assert.deepEqual([found.status, found.code, found.remedy, found.fields], [502, "", "", []]);
    assert.equal(found.message, strings.rest.refused(502));
  }
});

test("a panel that does not answer is a problem with status 0", async () => {
  serve(() => new TypeError("failed to fetch"));
  const found = await problem();
  assert.deepEqual([found.status, found.code, found.message], [0, "no_answer", strings.rest.noPanel]);
});

test("a session of another tab gives its token, and the change is sent once more", async () => {
  setCsrf("old");
  const sent = serve(({ path, headers }) => {
    if (path.endsWith("/session")) return { body: { csrf: "new" } };
    return headers["X-CSRF-Token"] === "new" ? { body: {} } : { status: 403, body: { code: "csrf" } };
  });
  await send("DELETE", "/jobs/1");
  assert.deepEqual(sent.map(({ method, path }) => `${method} ${path}`), [
    "DELETE /api/v1/jobs/1", "GET /api/v1/session", "DELETE /api/v1/jobs/1",
  ]);
  serve(() => ({ status: 403, body: { code: "csrf", csrf: "never right" } }));
  assert.equal((await problem("DELETE")).code, "csrf");
});

test("a session that has ended begins the page again, a wrong password does not", async () => {
  serve(() => ({ status: 401, body: { code: "password" } }));
  const before = reloads.count;
  await problem("POST", "/session");
  assert.equal(reloads.count, before);
  await problem("GET", "/jobs");
  assert.equal(reloads.count, before + 1);
});
