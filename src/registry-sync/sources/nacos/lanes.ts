import { pause } from "../../../base/pause.ts";
import { createStop } from "../../../base/stop.ts";
import { recordOf } from "../../../codecs/nacos/body.ts";
import { listRequest, type NacosMessage, readServiceList, subscribeRequest } from "../../../codecs/nacos/messages.ts";
import { groupedName } from "../../../codecs/nacos/service-info.ts";
import { parseServer } from "../zookeeper/address.ts";
import type { NamingServer } from "./mirror.ts";
import { type NacosConnection, type NacosSessionOptions, runNacosSession } from "./session.ts";

/** Connections that subscriptions are spread over, the main one among them. */
const LANES = 8;
/** Of fewer services changes do not come at once so often that one connection is too slow. */
const MIN_SERVICES = 32;
/** How long the first subscriptions wait for further connections, ms. */
const OPENING_MS = 3_000;

/** A server's names and services over a connection that stands and, where there are many services, further ones beside it. */
export interface SpreadNaming extends NamingServer {
  /** Ends the further connections; resolves when they are closed. */
  close(): Promise<void>;
}

/** What {@link spreadNaming} needs: a session's settings without its servers, and who is told of pushes about services. */
export interface SpreadOptions
  extends Pick<NacosSessionOptions, "labels" | "token" | "onDenied" | "onDoubt" | "openTransport" | "clock" | "log"> {
  readonly namespace: string;
  readonly onService: (message: NacosMessage) => void;
  /** Told when a further connection stands in place of one that was lost: what is behind it may be another server. */
  readonly onRenewed: () => void;
}

/**
 * What is read is subscribed to. A server does not push on a stream that has 32 KiB or more to be sent: it tries again a second later,
 * and pushes that were due together make each other late (Nacos 2.3.2, GrpcConnection and PushConfig.pushTaskRetryDelay, seen). So each
 * service has its connection, by its name, out of some; one whose connection is lost is read over the main one.
 */
export function spreadNaming(main: NacosConnection, options: SpreadOptions): SpreadNaming {
  const { namespace, clock } = options;
  const ending = createStop();
  /** Those that stand, each at its place. */
  const lanes: (NacosConnection | undefined)[] = [];
  const running: Promise<void>[] = [];
  /** Over which connections a service may be subscribed to: one, and while that is to be another, both. */
  const holders = new Map<string, Set<NacosConnection>>();
  let opening: Promise<unknown> | undefined;
  const laneOf = (group: string, name: string): NacosConnection => {
    const lane = lanes[hashOf(groupedName(group, name)) % LANES];
    return lane?.isOpen === true ? lane : main;
  };
  const openOne = (at: number): Promise<void> =>
    new Promise((resolve) => {
      const { onService, onRenewed, ...session } = options;
      let stood = false;
      const run = runNacosSession(
        {
          ...session,
          servers: [parseServer(main.server)],
          onReady(connection) {
            lanes[at] = connection;
            if (stood) onRenewed();
            stood = true;
            resolve();
          },
          onLost() {
            lanes[at] = undefined;
          },
          onPush(message) {
            if (message.type === "NotifySubscriberRequest") onService(message);
          },
          onUnreachable: () => resolve(),
        },
        ending.signal,
      );
      running.push(run);
    });
  const forget = (connection: NacosConnection, groupName: string, serviceName: string) => {
    if (!connection.isOpen) return;
    connection.request(subscribeRequest({ namespace, groupName, serviceName }, "", false)).catch(() => {
      // It is forgotten with the connection.
    });
  };
  return {
    pushes: true,
    get isOpen() {
      return main.isOpen;
    },
    holderOf: laneOf,
    async list(group, pageNo, pageSize) {
      const page = readServiceList(await main.request(listRequest(namespace, group, pageNo, pageSize)));
      if (page.count >= MIN_SERVICES) {
        // The first place is the main connection's.
        opening ??= Promise.race([
          Promise.all(Array.from({ length: LANES - 1 }, (_, i) => openOne(i + 1))),
          pause(clock, OPENING_MS, ending.signal),
        ]);
        await opening;
      }
      return page;
    },
    async read(groupName, serviceName) {
      const key = groupedName(groupName, serviceName);
      const holder = laneOf(groupName, serviceName);
      const held = (holders.get(key) ?? new Set()).add(holder);
      holders.set(key, held);
      const body = await holder.request(subscribeRequest({ namespace, groupName, serviceName }));
      for (const other of held) {
        if (other === holder) continue;
        held.delete(other);
        forget(other, groupName, serviceName);
      }
      return recordOf(body, "serviceInfo");
    },
    forget(group, name) {
      const key = groupedName(group, name);
      for (const holder of holders.get(key) ?? []) forget(holder, group, name);
      holders.delete(key);
    },
    async close() {
      ending.abort();
      await Promise.all(running);
    },
  };
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
