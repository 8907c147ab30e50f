// Who is signed in on this page.

import { signal } from "@preact/signals";

import { send, setCsrf } from "./rest";

export type Role = "read" | "operate" | "admin";

/** `role` is null before somebody has signed in; `signIn`: whether people sign in here at all; `version`: the panel's. */
export interface Session { user: string; role: Role | null; signIn: boolean; version: string }

export const session = signal<Session>({ user: "", role: null, signIn: true, version: "" });

/** Whether who has signed in may change what the robot and the jobs do. */
export function mayOperate(): boolean {
  return session.value.role === "operate" || session.value.role === "admin";
}

/** Ask the panel who this is. Throws a `Problem`. */
export async function loadSession(): Promise<Session> {
  return keep((await send("GET", "/session")).body);
}

/** Throws a `Problem`. */
export async function signIn(user: string, password: string): Promise<Session> {
  return keep((await send("POST", "/session", { user, password })).body);
}

/** Sign out, and begin again with an empty page. */
export async function signOut(): Promise<void> {
  await send("DELETE", "/session");
  location.reload();
}

function keep(body: unknown): Session {
  const { csrf, sign_in: asks, ...rest } = body as Omit<Session, "signIn"> & { csrf: string; sign_in: boolean };
  setCsrf(csrf);
  return (session.value = { ...rest, signIn: asks });
}
