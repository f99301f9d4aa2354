import type {
  ApplicationsDocument,
  EurekaDocument,
  RawApplication,
  RawInstance,
} from "../../../codecs/eureka/document.ts";
import { readEurekaInstance } from "../../../codecs/eureka/instance.ts";
import { appsHashcode } from "../../../codecs/eureka/status.ts";
import type { ShownInstance, ShownList } from "../../present/eureka.ts";
import { ledInstanceId } from "../../present/eureka-instance.ts";
import type { ShownChange } from "./history.ts";
import type { EurekaQuestion } from "./request.ts";

/** The whole list, with the hash over it. */
export function fullDocument(list: ShownList, version: number): ApplicationsDocument {
  return documentOf(list.instances.values(), `${version}`, hashOf(list));
}

/**
 * A delta of these changes for a client that is to hold `list` after it. What is `own` to the client, and what stands for it in
 * other clients' lists, is told every time: each client's own list differs in these from what the changes were seen in.
 */
export function deltaDocument(
  changes: readonly ShownChange[],
  list: ShownList,
  own: readonly string[],
  version: number,
): ApplicationsDocument {
  const told = new Map<string, ShownInstance>();
  for (const { instance, action } of changes) {
    told.set(`${instance.app}/${instance.id}`, withAction(instance, action));
  }
  for (const key of own) {
    const hidden = list.hidden.get(key);
    for (const one of hidden === undefined ? [key, ...standingAfter(key, list)] : [key, hidden.shownAs]) {
      const shown = list.instances.get(one);
      const [app = "", ...id] = one.split("/");
      if (shown !== undefined) told.set(one, withAction(shown, "MODIFIED"));
      else told.set(one, goneInstance(app, id.join("/")));
    }
  }
  return documentOf(told.values(), `${version}`, hashOf(list));
}

/** What stands for an application of which one's own instance is no longer there: it stood in its place in that client's list. */
function standingAfter(own: string, { instances }: ShownList): readonly string[] {
  if (instances.has(own)) return [];
  const prefix = `${own.slice(0, own.indexOf("/"))}/${ledInstanceId("")}`;
  return [...instances.keys()].filter((key) => key.startsWith(prefix));
}

/** A delta that makes a client ask for the whole list, which it has as well: for clients that look at no hash. */
export function resyncDocument(list: ShownList, version: number): ApplicationsDocument {
  return { ...fullDocument(list, version), hashcode: `${hashOf(list)}RESYNC_1_` };
}

/** The answer to a question for less than the list; undefined where a server would say that there is no such thing. */
export function partDocument(question: EurekaQuestion, list: ShownList): EurekaDocument | undefined {
  const all = [...list.instances.values()];
  switch (question.kind) {
    case "app": {
      const application = applicationsOf(all.filter(({ app }) => app === question.app))[0];
      return application && { kind: "application", application };
    }
    case "instance": {
      const one = list.instances.get(`${question.app}/${question.id}`);
      return one && { kind: "instance", instance: one.raw };
    }
    case "instanceOf": {
      const one = all.find(({ id }) => id === question.id);
      return one && { kind: "instance", instance: one.raw };
    }
    case "vip":
    case "svip": {
      const name = question.name.toLowerCase();
      const field = question.kind === "vip" ? "vipAddress" : "secureVipAddress";
      const found = all.filter(({ raw }) => {
        const names = `${raw[field] ?? ""}`.toLowerCase().split(",");
        return names.some((one) => one.trim() === name);
      });
      return documentOf(found, "-1", appsHashcode(found.map(({ status }) => status)));
    }
    default:
      return undefined;
  }
}

/** The fields that `X-Eureka-Accept: compact` leaves (Netflix/eureka eureka-client/…/converters/wrappers: the mini forms). */
const COMPACT: ReadonlySet<string> = new Set([
  ...["instanceId", "app", "ipAddr", "vipAddress", "secureVipAddress", "dataCenterInfo", "hostName", "status"],
  ...["asgName", "lastUpdatedTimestamp", "actionType", "port", "securePort"],
]);

/** A document with no more of its instances than balancers need. */
export function compactDocument(document: EurekaDocument): EurekaDocument {
  const compact = (raw: RawInstance) => Object.fromEntries(Object.entries(raw).filter(([name]) => COMPACT.has(name)));
  const compactOf = ({ name, instances }: RawApplication) => ({ name, instances: instances.map(compact) });
  switch (document.kind) {
    case "applications":
      return { ...document, applications: document.applications.map(compactOf) };
    case "application":
      return { kind: "application", application: compactOf(document.application) };
    case "instance":
      return { kind: "instance", instance: compact(document.instance) };
    default:
      return document satisfies never;
  }
}

/** The addresses, `host:port`, at which an instance takes calls: what its removal takes away. */
export function addressesOf(raw: RawInstance): readonly string[] {
  const read = readEurekaInstance(raw, "");
  if (read === undefined) return [];
  return [`${read.hostName}:${read.isSecurePortEnabled ? read.securePort : read.port}`];
}

function hashOf(list: ShownList): string {
  return appsHashcode([...list.instances.values()].map(({ status }) => status));
}

function withAction(instance: ShownInstance, actionType: string): ShownInstance {
  return { ...instance, raw: { ...instance.raw, actionType } };
}

function goneInstance(app: string, id: string): ShownInstance {
  const raw = {
    ...{ instanceId: id, hostName: "gone", app, ipAddr: "0.0.0.0", status: "DOWN", overriddenStatus: "UNKNOWN" },
    port: { $: 1, "@enabled": "false" },
    securePort: { $: 1, "@enabled": "false" },
    dataCenterInfo: { "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", name: "MyOwn" },
    actionType: "DELETED",
  };
  return { app, id, status: "DOWN", raw };
}

function documentOf(instances: Iterable<ShownInstance>, version: string, hashcode: string): ApplicationsDocument {
  return { kind: "applications", version, hashcode, applications: applicationsOf(instances) };
}

function applicationsOf(instances: Iterable<ShownInstance>): readonly RawApplication[] {
  const byName = new Map<string, RawInstance[]>();
  for (const { app, raw } of instances) {
    const all = byName.get(app);
    if (all === undefined) byName.set(app, [raw]);
    else all.push(raw);
  }
  return [...byName].map(([name, all]) => ({ name, instances: all }));
}
