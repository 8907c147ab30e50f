// The documentation of the REST interface, from the OpenAPI document that the panel answers.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { Card, Empty } from "../../../parts/card";
import { Prose } from "../../../parts/prose";
import { RemoteView } from "../../../parts/remote-view";
import { useRemote } from "../../../server/remote";
import { ROOT } from "../../../server/root";
import { session } from "../../../server/session";
import { strings } from "../../../strings";
import { resourcesOf } from "./document";
import type { ApiDocument, Operation, Resource } from "./document";
import { OperationDetails } from "./operation-details";

const words = strings.system.api;

export function ApiSection(): VNode {
  const view = useRemote<ApiDocument>("/openapi.json");
  const search = useSignal("");
  return (
    <Card id="api" heading={words.title} aside={
      <>
        <a class="plain" href={`${ROOT}/api/v1/openapi.json`} target="_blank" rel="noopener">openapi.json</a>
        <input type="search" aria-label={words.search} placeholder={words.search} onInput={(event) => void (search.value = event.currentTarget.value)} />
      </>
    }>
      <RemoteView remote={view}>
        {(document) => {
          const resources = resourcesOf(document, search.value);
          return (
            <>
              <p class="soft"><Prose text={document.info.description} /></p>
              <p class="soft">{session.value.signIn ? words.withKey : words.withoutKey} <a href={`${ROOT}/system/tokens`}>{strings.system.tokens.heading}</a></p>
              {resources.length ? resources.map((each) => <ResourceView key={each.name} document={document} resource={each} />) : <Empty text={words.none} />}
            </>
          );
        }}
      </RemoteView>
    </Card>
  );
}

function ResourceView({ document, resource: { name, description, operations } }: { document: ApiDocument; resource: Resource }): VNode {
  return (
    <section class="resource">
      <h3>{name} <span class="soft"><Prose text={description} /></span></h3>
      {operations.map((operation) => <OperationView key={operation.id} document={document} operation={operation} />)}
    </section>
  );
}

/** One operation; the address of the page has its name while it is open, so that a link leads there. */
function OperationView({ document, operation }: { document: ApiDocument; operation: Operation }): VNode {
  const { id, method, path, summary, role } = operation;
  const element = useRef<HTMLDetailsElement>(null);
  const open = useSignal(location.hash === `#${id}`);
  useEffect(() => {
    if (open.value) element.current?.scrollIntoView({ block: "start" });
  }, []);
  const toggle = (isOpen: boolean): void => {
    if (isOpen === open.value) return;
    open.value = isOpen;
    history.replaceState(history.state, "", isOpen ? `#${id}` : location.pathname + location.search);
  };
  return (
    <details ref={element} id={id} class="operation" open={open.value} onToggle={(event) => toggle(event.currentTarget.open)}>
      <summary>
        <b class={`method ${method.toLowerCase()}`}>{method}</b>
        <code>{path.replace("/api/v1", "")}</code>
        <span class="about"><Prose text={summary} /></span>
        <span class="tag">{role === null ? words.everybody : strings.system.users.roles[role]}</span>
      </summary>
      {open.value && <OperationDetails document={document} operation={operation} />}
    </details>
  );
}
