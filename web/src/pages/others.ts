// The pages besides the dashboard: one file for the browser.

export { PluginsPage } from "./plugins/plugins-page";
export { ProvidersPage } from "./providers/providers-page";
export { QueuePage } from "./queue/queue-page";
export { RobotsPage } from "./robots";
export { SchedulesPage } from "./schedules/schedules-page";
export { SystemPage } from "./system/system-page";
export { TalkPage } from "./talk/talk-page";
