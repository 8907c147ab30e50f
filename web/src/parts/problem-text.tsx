// A problem's sentence, the server's own words where that is in another language, and what to do.

import type { VNode } from "preact";

import { SERVER_LANGUAGE, explain } from "../explain";
import type { Explained } from "../explain";

export function ProblemText({ problem }: { problem: Explained }): VNode {
  const { text, detail } = explain(problem);
  return (
    <>
      <strong>{text}</strong>
      {detail && <>{" "}<span class="soft" lang={SERVER_LANGUAGE}>{detail}</span></>}
      {problem.remedy && <>{" "}<span class="remedy" lang={SERVER_LANGUAGE}>{problem.remedy}</span></>}
    </>
  );
}
