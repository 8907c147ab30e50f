// Every text of the panel in English. Another language is another object of this shape.

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

export const en = {
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

export type Strings = typeof en;
