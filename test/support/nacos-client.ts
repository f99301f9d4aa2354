import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answersByLine } from "./dubbo.ts";
import { builtPeer } from "./maven.ts";
import { type NacosLine, nacosJars } from "./nacos.ts";
import { type Peer, startProcess } from "./process.ts";

/** One instance, as an application registers it; ephemeral, enabled and healthy unless it says otherwise. */
export interface JavaInstance {
  readonly ip: string;
  readonly port: number;
  readonly weight?: number;
  readonly cluster?: string;
  readonly ephemeral?: boolean;
  readonly enabled?: boolean;
  readonly healthy?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** One instance, as the client tells it. */
export interface SeenInstance extends Required<JavaInstance> {
  readonly instanceId: string | null;
}

/** What a subscription or a listener was told, oldest first. */
export interface NacosEvent {
  readonly event: "service" | "config";
  readonly service?: string;
  readonly dataId?: string;
  readonly group: string;
  readonly instances?: readonly SeenInstance[];
  readonly content?: string | null;
}

/** Nacos' own Java client in a JVM of its own. Groups are DEFAULT_GROUP unless given; each call rejects with the client's exception. */
export interface NacosClient {
  readonly line: NacosLine;
  readonly peer: Peer;
  register(service: string, instance: JavaInstance, group?: string): Promise<void>;
  deregister(service: string, instance: JavaInstance, group?: string): Promise<void>;
  /** Not for 1.4. */
  batchRegister(service: string, instances: readonly JavaInstance[], group?: string): Promise<void>;
  batchDeregister(service: string, instances: readonly JavaInstance[], group?: string): Promise<void>;
  /** What comes is in `events`. */
  subscribe(service: string, group?: string): Promise<void>;
  unsubscribe(service: string, group?: string): Promise<void>;
  /** Asks the server; with `subscribe` as `getAllInstances` does by itself, which answers from what was pushed. */
  query(service: string, options?: { readonly group?: string; readonly subscribe?: boolean }): Promise<SeenInstance[]>;
  services(group?: string): Promise<string[]>;
  /** For 3.0 alone; rejects where the server cannot. */
  fuzzyWatch(group: string): Promise<void>;
  status(): Promise<string>;
  publish(dataId: string, group: string, content: string): Promise<boolean>;
  /** Null where there is none. */
  config(dataId: string, group: string): Promise<string | null>;
  removeConfig(dataId: string, group: string): Promise<boolean>;
  listen(dataId: string, group: string): Promise<void>;
  /** Ends its connections as an application's end does; the JVM goes on. */
  shutDown(): Promise<void>;
  events(): readonly NacosEvent[];
  /** The instances that the last event of a service had; undefined where there was none. */
  pushed(service: string, group?: string): readonly SeenInstance[] | undefined;
}

/** `properties` are the client's: username, password, namespace, clusterName, ... It connects at its first command, and says to be of `application`. */
export async function startNacosClient(
  line: NacosLine,
  server: string,
  properties: Readonly<Record<string, string>> = {},
  application?: string,
): Promise<NacosClient> {
  const home = mkdtempSync(join(tmpdir(), "trestle-home-"));
  const peer = await startProcess({
    name: `nacos-client ${line}`,
    command: "java",
    args: [
      ...["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.net.preferIPv4Stack=true"],
      ...[`-Duser.home=${home}`, `-DJM.LOG.PATH=${home}/logs`, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"],
      ...(application === undefined ? [] : [`-Dproject.name=${application}`]),
      ...["-cp", `${builtPeer("nacos")}/client-${line}/target/classes:${nacosJars(line)}`, "peer.NacosClient"],
      ...Object.entries({ serverAddr: server.replace(/^nacos:\/\/(.*@)?/, ""), ...properties }).map(
        ([name, value]) => `${name}=${value}`,
      ),
    ],
    stdin: true,
    ready: (started) => started.stdout().includes("READY"),
  });
  const ask = answersByLine(peer);
  const must = async (op: string, fields: Readonly<Record<string, unknown>>): Promise<unknown> => {
    const answer = await ask({ op, ...fields });
    if (answer["error"] !== undefined) throw new Error(`${peer.name}: ${String(answer["error"])}`);
    return answer["value"];
  };
  const events = (): readonly NacosEvent[] =>
    peer
      .stdout()
      .split("\n")
      .filter((text) => text.startsWith('{"event"') && text.endsWith("}"))
      .map((text) => JSON.parse(text) as NacosEvent);
  return {
    line,
    peer,
    register: async (service, instance, group) => void (await must("register", { service, group, ...instance })),
    deregister: async (service, instance, group) => void (await must("deregister", { service, group, ...instance })),
    batchRegister: async (service, instances, group) =>
      void (await must("batchRegister", { service, group, instances })),
    batchDeregister: async (service, instances, group) =>
      void (await must("batchDeregister", { service, group, instances })),
    subscribe: async (service, group) => void (await must("subscribe", { service, group })),
    unsubscribe: async (service, group) => void (await must("unsubscribe", { service, group })),
    query: async (service, options) => (await must("query", { service, ...options })) as SeenInstance[],
    services: async (group) => (await must("services", { group })) as string[],
    fuzzyWatch: async (group) => void (await must("fuzzyWatch", { group })),
    status: async () => String(await must("status", {})),
    publish: async (dataId, group, content) => (await must("publish", { dataId, group, content })) as boolean,
    config: async (dataId, group) => (await must("config", { dataId, group })) as string | null,
    removeConfig: async (dataId, group) => (await must("removeConfig", { dataId, group })) as boolean,
    listen: async (dataId, group) => void (await must("listen", { dataId, group })),
    shutDown: async () => void (await must("shutDown", {})),
    events,
    pushed: (service, group = "DEFAULT_GROUP") =>
      events().findLast((event) => event.service === service && event.group === group)?.instances,
  };
}
