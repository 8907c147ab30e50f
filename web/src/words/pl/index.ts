// Every text of the panel in Polish.

import type { Strings } from "../en";
import { dashboard } from "./dashboard";
import { frame } from "./frame";
import { models } from "./models";
import { plugins } from "./plugins";
import { problems } from "./problems";
import { providers } from "./providers";
import { queue, schedules } from "./queue";
import { robots } from "./robots";
import { system } from "./system";
import { talkPage } from "./talk";
import { telemetry } from "./telemetry";
import { told } from "./told";

export const pl: Strings = {
  ...frame, ...dashboard,
  models,
  plugins,
  problems,
  providers,
  queue,
  robots,
  schedules,
  system,
  talkPage,
  telemetry,
  told,
};
