// The whole at a glance: the robot, the processes, the conversation and the work.

import type { VNode } from "preact";

import { ChartCard } from "../cards/chart";
import { JobsCard } from "../cards/jobs";
import { PluginsCard } from "../cards/plugins";
import { ProcessesCard } from "../cards/processes";
import { QueuesCard } from "../cards/queues";
import { RefusedCard } from "../cards/refused";
import { RobotCard } from "../cards/robot";
import { TalkCard } from "../cards/talk";

export function Dashboard(): VNode {
  return (
    <div class="dashboard">
      <div class="glance">
        <RobotCard />
        <ProcessesCard />
        <div class="stack"><QueuesCard /><PluginsCard /></div>
      </div>
      <div class="story">
        <TalkCard />
        <div class="work"><ChartCard /><JobsCard /></div>
      </div>
      <RefusedCard />
    </div>
  );
}
