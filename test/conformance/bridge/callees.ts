import { parseRules } from "../../../src/control/rules/parse.ts";
import { restSchemasOf } from "../../../src/control/rules/rest-entries.ts";
import type { ServiceSchema } from "../../../src/model/schema.ts";
import { type DubboLine, startProvider } from "../../support/dubbo.ts";
import { startFeedServer } from "../../support/grpc-feed.ts";
import { startOrdersServer } from "../../support/grpc-orders.ts";
import { startIdlProvider } from "../../support/idl.ts";
import { hosts } from "../../support/netns.ts";
import { feedSchema } from "../../support/proto-fixtures.ts";
import { restRule } from "../../support/rest-rule.ts";
import { startSpring } from "../../support/spring.ts";
import type { TripleStage } from "../../support/triple-stage.ts";
import type { TestEndpoint } from "../../support/xds-fixtures.ts";
import { bridgeSchema } from "./methods.ts";
import type { BridgeCallee, CalleeName } from "./peers.ts";
import { startTap } from "./tap.ts";

const key = "com.acme.OrderService";
/** A group of the service that nobody serves. */
export const EMPTY_GROUP = "empty";

/** How each callee is started; a new one is a line here and a name in peers.ts. */
const start: Readonly<Record<CalleeName, (stage: TripleStage) => Promise<BridgeCallee>>> = {
  dubbo2: (stage) => dubboCallee("dubbo2", "2.7", stage),
  "dubbo2.6": (stage) => dubboCallee("dubbo2.6", "2.6", stage),
  wrapper: (stage) => wrapperCallee("wrapper", "3.3", stage, {}),
  // It takes no JSON.
  "wrapper3.2": (stage) => wrapperCallee("wrapper3.2", "3.2", stage, { refusesJson: true }),
  protobuf: stubCallee,
  grpc: grpcCallee,
  rest: restCallee,
};

/** Starts one kind of callee; the proxy leads all calls to it until another is started. */
export function startCallee(name: CalleeName, stage: TripleStage): Promise<BridgeCallee> {
  return start[name](stage);
}

/** Leads the orders' calls to `orders` and those of com.acme.OrderFeed to `feed`. */
function serve(
  stage: TripleStage,
  orders: TestEndpoint,
  feed?: TestEndpoint,
  schema: ServiceSchema = bridgeSchema,
): Promise<void> {
  const services = [
    { key, endpoints: [orders] },
    { key: `${EMPTY_GROUP}/${key}`, endpoints: [] },
    ...(feed === undefined ? [] : [{ key: feedSchema.name, endpoints: [feed] }]),
  ];
  return stage.apply(services, [schema, feedSchema]);
}

const threads = { params: { threads: "300" } } as const;

async function dubboCallee(name: CalleeName, line: DubboLine, stage: TripleStage): Promise<BridgeCallee> {
  const place = { host: hosts.provider1, port: 20880 };
  const peer = await startProvider(line, { ...place, ...threads, label: name });
  const tap = await startTap(hosts.provider2, place.host, place.port);
  await serve(stage, { address: hosts.provider2, port: place.port });
  return {
    name,
    label: name,
    java: true,
    // The program cannot ask for it: it is read on the way.
    timeLeftMs: () => timeoutIn(tap.seen()),
    stop: async () => {
      tap.close();
      await peer.stop(3_000);
    },
  };
}

/** The last attachment `timeout` in Dubbo2's bytes, or `_TO`, which 2.7 writes as a compact int of three bytes. */
function timeoutIn(seen: string): number | undefined {
  for (const name of ["timeout", "_TO"]) {
    for (let at = seen.lastIndexOf(name); at > 0; at = seen.lastIndexOf(name, at - 1)) {
      const from = at + name.length;
      const tag = seen.charCodeAt(from);
      const text = seen.slice(from + 1, from + 1 + tag);
      if (tag < 0x20 && /^\d+$/.test(text)) return Number(text);
      const int = Buffer.from(seen.slice(from, from + 3), "latin1");
      if (tag >= 0xd4 && tag <= 0xd7 && int.length === 3) return int.readUIntBE(0, 3) - 0xd40000;
    }
  }
  return undefined;
}

async function wrapperCallee(
  name: CalleeName,
  line: DubboLine,
  stage: TripleStage,
  facts: Partial<TestEndpoint>,
): Promise<BridgeCallee> {
  const place = { host: hosts.provider1, port: 50051 };
  const peer = await startProvider(line, { ...place, ...threads, protocol: "tri", label: name, streams: true });
  const endpoint = { address: place.host, port: place.port, protocol: "tri", takesWrapper: true, ...facts } as const;
  await serve(stage, endpoint, endpoint);
  return { name, label: name, java: true, stop: async () => void (await peer.stop(3_000)) };
}

async function stubCallee(stage: TripleStage): Promise<BridgeCallee> {
  const peer = await startIdlProvider("3.3", {
    host: hosts.provider1,
    label: "protobuf",
    properties: ["dubbo.protocol.threads=300"],
  });
  const endpoint = { address: hosts.provider1, port: 50051, protocol: "tri" } as const;
  await serve(stage, endpoint, endpoint);
  return { name: "protobuf", label: "protobuf", java: false, stop: async () => void (await peer.stop(3_000)) };
}

async function grpcCallee(stage: TripleStage): Promise<BridgeCallee> {
  const server = await startOrdersServer(hosts.provider2, "grpc");
  const feed = await startFeedServer(hosts.provider2, "grpc");
  const place = { address: hosts.provider2, protocol: "tri" } as const;
  await serve(stage, { ...place, port: server.port }, { ...place, port: feed.port });
  return {
    name: "grpc",
    label: "grpc",
    java: false,
    timeLeftMs: (attachments) =>
      attachments["deadline-ms"] === undefined ? undefined : Number(attachments["deadline-ms"]),
    cancelled: async () => server.cancelled(),
    stop: async () => {
      server.stop();
      feed.stop();
    },
  };
}

async function restCallee(stage: TripleStage): Promise<BridgeCallee> {
  const spring = await startSpring({ host: hosts.provider1, label: "rest" });
  const { rules } = parseRules("orders.yaml", restRule(hosts.provider1));
  const rest = restSchemasOf(rules)[0]!.rest!;
  const endpoint = { address: hosts.provider1, port: 8080, protocol: "http" } as const;
  await serve(stage, endpoint, undefined, { ...bridgeSchema, rest });
  return {
    name: "rest",
    label: "rest",
    java: false,
    cancelled: async () => Number(await (await fetch(`http://${spring.address}/notes/slow-cancelled`)).text()),
    stop: async () => void (await spring.peer.stop(3_000)),
  };
}
