// The installation itself: logs, settings, prompts, people and keys, the API, backups, and who changed what.

import type { ComponentType, VNode } from "preact";

import { Tabs } from "../../parts/tabs";
import { ROOT } from "../../server/root";
import { strings } from "../../strings";
import { ApiSection } from "./api/api-section";
import { AuditSection } from "./audit";
import { LogsSection } from "./logs";
import { MaintenanceSection } from "./maintenance";
import { PromptsSection } from "./prompts";
import { SettingsSection } from "./settings";
import { TokensSection } from "./tokens";
import { UsersSection } from "./users";

const words = strings.system;

const SECTIONS: readonly { path: string; name: string; view: ComponentType }[] = [
  { path: "logs", name: words.logs.heading, view: LogsSection },
  { path: "prompts", name: words.prompts.heading, view: PromptsSection },
  { path: "settings", name: words.settings.heading, view: SettingsSection },
  { path: "users", name: words.users.heading, view: UsersSection },
  { path: "tokens", name: words.tokens.heading, view: TokensSection },
  { path: "api", name: words.api.heading, view: ApiSection },
  { path: "maintenance", name: words.maintenance.heading, view: MaintenanceSection },
  { path: "audit", name: words.audit.heading, view: AuditSection },
];

export function SystemPage({ section }: { section?: string }): VNode {
  const shown = SECTIONS.find((each) => each.path === section) ?? SECTIONS[0]!;
  return (
    <div class="system-page">
      <Tabs label={words.sections} tabs={SECTIONS.map((each) => ({
        href: `${ROOT}/system/${each.path}`, name: each.name, current: each === shown,
      }))} />
      <shown.view />
    </div>
  );
}
