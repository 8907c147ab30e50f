// The page's start: who is this? Then the panel, or the page to sign in on.

import { render } from "preact";

import { App } from "./app";
import { loadRest } from "./parts/later";
import { listen } from "./server/live";
import { Problem } from "./server/rest";
import { loadSession, session } from "./server/session";
import { SignIn } from "./pages/sign-in";
import { connection } from "./server/state";
import { stopOnSpace } from "./server/stop";
import { followRobot } from "./server/trail";
import { language } from "./strings";

document.documentElement.lang = language;
/** When the page has long settled, in ms: the other pages' files are not waited for. */
const REST_MS = 3_000;

const panel = document.getElementById("panel")!;

function open(): void {
  render(<App />, panel);
  panel.removeAttribute("aria-busy");
  listen();
  stopOnSpace();
  followRobot();
  setTimeout(loadRest, REST_MS);
}

async function start(): Promise<void> {
  try {
    await loadSession();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    connection.value = "lost";  // the page says so, and goes on when the panel answers again
    session.value = { ...session.value, role: "read", signIn: false };
  }
  if (session.value.role) {
    open();
    return;
  }
  render(<SignIn onDone={open} />, panel);
  panel.removeAttribute("aria-busy");
}

void start();
