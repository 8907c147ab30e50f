// The whole at a glance: what the robot sees, says and does, and how its mind works.

import type { VNode } from "preact";

import { ChartCard } from "../cards/chart";
import { EyesCard } from "../cards/eyes";
import { HistoryCard } from "../cards/history";
import { JobsCard } from "../cards/jobs";
import { PluginCards } from "../cards/plugin-cards";
import { ProcessesCard } from "../cards/processes";
import { QueuesCard } from "../cards/queues";
import { RefusedCard } from "../cards/refused";
import { RobotCard } from "../cards/robot";
import { TalkCard } from "../cards/talk";

export function Dashboard(): VNode {
  return (
    <div class="dashboard">
      <div class="robot-now"><EyesCard /><RobotCard brief /><TalkCard /></div>
      <div class="mind-now">
        <div class="stack"><ChartCard /><HistoryCard /><JobsCard /></div>
        <div class="stack"><QueuesCard /><ProcessesCard /><RefusedCard /><PluginCards /></div>
      </div>
    </div>
  );
}
