// Who is signed in on this page.

import { signal } from "@preact/signals";

import { strings } from "../strings";
import { send, setCsrf } from "./rest";

export type Role = "read" | "operate" | "admin";

/** `role` is null before somebody has signed in; `signIn`: whether people sign in here at all; `version`: the panel's. */
export interface Session { user: string; role: Role | null; signIn: boolean; version: string }

export const session = signal<Session>({ user: "", role: null, signIn: true, version: "" });

const RANKS: Record<Role, number> = { read: 1, operate: 2, admin: 3 };

/** Whether who has signed in has this role, or a higher one. */
export function may(role: Role): boolean {
  const own = session.value.role;
  return own !== null && RANKS[own] >= RANKS[role];
}

/** Why who has signed in may not do what needs this role; empty: they may. */
export function refusal(role: Role): string {
  return may(role) ? "" : strings.signIn.needs(role);
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
