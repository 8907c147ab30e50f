// What every page has.

import { plural } from "./plural";

export const frame = {
  title: "Rider-PC",
  language: "Language",
  pages: {
    menu: "Pages",
    dashboard: "Dashboard",
    talk: "Talk",
    queue: "Queue",
    providers: "Providers",
    robots: "Robot",
    plugins: "Plugins",
    system: "System",
  },
  stop: {
    button: "Stop",
    title: "Stop the robot at once (space bar)",
    done: "The robot stops: it has taken the command.",
    sent: (problem: string) => `It was sent on the robot's bus; its HTTP interface has not confirmed it: ${problem}`,
    failed: (problem: string) => `The robot was not reached: ${problem}`,
  },
  actions: {
    save: "Save",
    delete: "Delete",
    cancel: "Cancel",
    close: "Close",
    undo: "Undo",
    play: "Play the sound",
    picture: "The picture of the job",
    noPicture: "It is no picture that can be shown.",
  },
  form: {
    changed: "changed",
    unset: "not set",
    noJson: "This is no JSON.",
    noNumber: "This is no number.",
  },
  rest: {
    loading: "Loading…",
    retry: "Try again",
    slow: (seconds: number) => `No result after ${seconds} s; the job may still run.`,
    noPanel: "The panel's process does not answer.",
    refused: (status: number) => `The panel refused it (${status}).`,
  },
  signIn: {
    user: "Name",
    password: "Password",
    needs: (role: string) => `This needs the role ${role}; an administrator gives it`,
    submit: "Sign in",
    out: "Sign out",
    wrong: "The name or the password is wrong.",
    guesses: "Too many wrong passwords came from here. Wait a moment, then try again.",
    help: "The name is rider where the password is set by RIDER_WEB_PASSWORD. Others are made with: rider users add NAME",
  },
  connection: { connecting: "connecting", live: "live", lost: "connection lost" },
  verdict: {
    loading: "Looking around…",
    well: "All is well",
    attention: (count: number) => plural(count, "thing needs attention", "things need attention"),
  },
  ago: {
    now: "now",
    seconds: (n: number) => `${n} s ago`,
    minutes: (n: number) => `${n} min ago`,
    hours: (n: number) => `${n} h ago`,
  },
  units: { ms: "ms", s: "s", min: "min", h: "h", mb: "MB", gb: "GB" },
  mock: "MOCK",
  mockTitle: "Made up by a mock provider, not by a real engine",
  none: "–",
};
