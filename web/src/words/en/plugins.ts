// The page of the plugins.

export const plugins = {
  heading: "Plugins",
  empty: "No plugin is installed. Get hearing and a voice with",
  emptyCommand: "pip install rider-voice-whisper rider-voice-espeak",
  states: {
    loaded: "loaded", disabled: "switched off", incompatible: "does not fit", failed: "failed",
  } as Record<string, string>,
  domains: {
    speech_to_text: "hears", text_to_speech: "speaks", object_detection: "sees", text_generation: "thinks",
  } as Record<string, string>,
  kinds: {
    model: "models", tracker: "trackers", "job transport": "job backends", "health check": "health checks",
    route: "pages and routes", page: "pages in the menu", card: "cards", command: "commands: rider", hook: "also",
  } as Record<string, string>,
  hooks: {
    on_event: "receives events", on_startup: "acts at the start", on_shutdown: "acts at the end",
  } as Record<string, string>,
  nothing: "registers nothing",
  emptyCard: "Nothing to show.",
  cardFailed: (status: number) => `The plugin answers with an error (${status}).`,
  noCard: "The plugin's answer has no rows.",
  safeMode: "Safe mode: no plugin is loaded, so there are no engines.",
  safeModeRemedy: "To leave it, start again with rider up alone; RIDER_SAFE_MODE must not be set to true.",
  restart: (changes: string) => `Other plugins are installed than are running: ${changes}.`,
  restartRemedy: "Processes keep what they have loaded. Stop rider up and start it again; it ends running jobs in order, and no waiting job is lost.",
  changed: {
    added: (name: string) => `${name} is new`,
    removed: (name: string) => `${name} is removed`,
    updated: (name: string) => `${name} has another version`,
  } as Record<string, (name: string) => string>,
  help: {
    heading: "When a plugin breaks the start",
    steps: [
      { text: "Start without plugins, so that the panel works:", command: "rider up --safe-mode" },
      { text: "See which plugin fails, and why:", command: "rider plugins check" },
      { text: "Start again without that plugin:", command: "RIDER_PLUGINS_DISABLED=NAME rider up" },
      { text: "Or remove its package:", command: "rider plugins remove PACKAGE" },
    ],
  },
  installation: {
    heading: "Install and remove",
    none: "Nothing may be installed or removed here. A setting names the packages that administrators may:",
    notInstalled: "not installed",
    install: "Install",
    remove: "Remove",
    busy: "Another change is under way",
    actions: {
      install: (name: string) => `Install ${name}`,
      remove: (name: string) => `Remove ${name}`,
    },
    about: {
      install: "The package runs with all rights of Rider-PC. It is checked in a process of its own; if it does not work, it is removed again.",
      remove: "What the package brings is missing after the next start. If something else does not work without it, it is put back.",
    },
    password: "Your password once more",
    typeName: (name: string) => `Type ${name} to confirm`,
    phases: {
      starting: "starting", installing: "installing", removing: "removing", checking: "checking", undoing: "undoing",
      done: "done", failed: "failed",
    },
    interrupted: "interrupted",
    interruptedRemedy: "Its process ended before the change did. See what is installed with: rider plugins check",
    log: "Lines of the installer",
  },
};
