// The connection to the panel's process. It sends the next changes after the last ones were acknowledged.

import { io } from "socket.io-client";

import { ROOT } from "./root";
import { loadSession, session } from "./session";
import { apply, connection, tick } from "./state";
import type { StateDelta } from "./messages";

export function listen(): void {
  const socket = io("/live", { path: `${ROOT}/socket.io`, reconnectionDelayMax: 3000 });
  socket.on("connect", () => {
    const wasLost = connection.value === "lost";
    connection.value = "live";
    socket.emit("ready");
    // The panel did not answer at the start, or has closed the connection since the role is another one.
    if (wasLost || !session.value.version) void loadSession().catch(() => undefined);
  });
  socket.on("disconnect", () => (connection.value = "lost"));
  socket.on("connect_error", () => {
    connection.value = "lost";
    void signInAgain();
  });
  socket.on("news", (delta: StateDelta, acknowledge: () => void) => {
    requestSoon(() => {
      try {
        apply(delta);
        if (delta.full && !performance.getEntriesByName("live").length) requestSoon(() => performance.mark("live"));
      } finally {
        // After drawing, which is a microtask: a slow browser gets fewer messages.
        setTimeout(acknowledge, 0);
      }
    });
  });
  setInterval(tick, 1000);
}

/** A session that has ended, or a panel that now asks for one: the page begins again, and says so. */
async function signInAgain(): Promise<void> {
  const { role } = await loadSession().catch(() => session.value);
  if (!role) location.reload();
}

/** Run `work` in the next frame, or soon in a hidden tab, which draws no frames. */
function requestSoon(work: () => void): void {
  if (document.hidden) setTimeout(work, 0);
  else requestAnimationFrame(work);
}
