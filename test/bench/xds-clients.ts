/**
 * The clients of the xDS bench, in a process of their own: delta streams that answer at once and read no more of a response than that
 * takes. Each has a connection for itself.
 */
import { encodeRequest } from "../../src/codecs/xds/discovery-bytes.ts";
import {
  CLUSTER_TYPE,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  ROUTE_TYPE,
  VIRTUAL_HOST_TYPE,
} from "../../src/codecs/xds/resources.ts";
import { LeanStream } from "./lean-stream.ts";
import type { XdsClientsReport, XdsClientsRequest } from "./xds-numbers.ts";

const [address = "", count = "1"] = process.argv.slice(2);
const METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
const TYPES = [CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, VIRTUAL_HOST_TYPE];
/** Clients that wait for their first response at a time. */
const MAX_UNANSWERED = 200;
/** How long a client waits before it connects again. */
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 8_000;

let bytes = 0;
let answers = 0;
let resources = 0;
/** Clients that had their first response. */
let answered = 0;
/** Connections that were begun. */
let attempts = 0;
const streams: LeanStream[] = [];
/** What clients that come again say they have; undefined where none may be lost. */
let kept: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
/** When each client answered last. */
const lastMs = new Float64Array(Number(count));

/** A field with a length, shorter than 128. */
const field = (number: number, text: string): Buffer =>
  Buffer.concat([Buffer.from([number * 8 + 2, text.length]), Buffer.from(text, "latin1")]);

const typeFields = new Map(TYPES.map((typeUrl) => [typeUrl, field(2, typeUrl)]));

/** What a client that took a response says: its type and its nonce. */
function acknowledgement(typeUrl: string, nonce: string): Buffer {
  const type = typeFields.get(typeUrl);
  if (type === undefined) throw new Error(`a response of ${typeUrl}, which was not asked for`);
  return Buffer.concat([type, field(6, nonce)]);
}

/** What a client says first: its node, and all that there is of each type but for what it has. */
function firstRequests(i: number): Uint8Array[] {
  const listen = { dubbo: [{ address: "10.0.0.1", port: 20_880 }], tri: [], gatewayAddress: "10.0.0.1" };
  const node = {
    id: `n${i}`,
    cluster: "",
    metadata: { TRESTLE_LISTEN: listen, LABELS: { app: `w${i}` } },
    userAgentName: "trestle",
    userAgentVersion: "",
  };
  return TYPES.map((typeUrl) => {
    const request = { variant: "delta", typeUrl, nonce: "", subscribe: ["*"], unsubscribe: [] } as const;
    return typeUrl === TYPES[0]
      ? encodeRequest({ ...request, node, initialVersions: {} })
      : encodeRequest({ ...request, initialVersions: {} });
  });
}

/** What clients have of each type, as the last field of a request (field 5, in no order): the same for all, so made once. */
let keptFields = new Map<string, Uint8Array>();

/** Connects a client; \`tries\` is how often this was in vain since it last had a stream. */
function connect(i: number, tries = 0): void {
  let responses = 0;
  const startMs = Date.now();
  attempts++;
  const stream = new LeanStream(
    address,
    METHOD,
    (response) => {
      if (responses === 0) answered++;
      // A server of ours counts the responses of a stream: none may be missing.
      if (response.nonce !== `${++responses}`)
        throw new Error(`nonce ${response.nonce} is not that of response ${responses}`);
      stream.send(acknowledgement(response.typeUrl, response.nonce));
      bytes += response.bytes;
      resources += response.resources;
      lastMs[i] = Date.now();
      answers++;
    },
    (error) => {
      if (kept !== undefined) {
        // As clients do: after a while that grows, and not all at the same time.
        const waitMs = Math.min(FIRST_WAIT_MS * 2 ** tries, MAX_WAIT_MS) * (0.5 + Math.random());
        setTimeout(() => connect(i, tries + 1), waitMs);
        return;
      }
      console.error(`client ${i}, ${Date.now() - startMs} ms old, after ${responses} responses: ${error.message}`);
      process.exit(1);
    },
  );
  streams[i] = stream;
  for (const [at, request] of firstRequests(i).entries()) {
    const has = keptFields.get(TYPES[at]!);
    stream.send(has === undefined ? request : Buffer.concat([request, has]));
  }
}

function keep(versions: NonNullable<typeof kept>): void {
  kept = versions;
  keptFields = new Map(
    Object.entries(versions).map(([typeUrl, initialVersions]) => [
      typeUrl,
      encodeRequest({ variant: "delta", typeUrl: "", nonce: "", subscribe: [], unsubscribe: [], initialVersions }),
    ]),
  );
}

process.on("message", (request: XdsClientsRequest) => {
  if (request.type === "reset") {
    bytes = 0;
    answers = 0;
    resources = 0;
    attempts = 0;
  } else if (request.type === "keep") keep(request.versions);
  else if (request.type === "storm") {
    for (const stream of streams) stream.close();
    for (let i = 0; i < streams.length; i++) connect(i);
  } else {
    const { user, system } = process.cpuUsage();
    const cpuMs = (user + system) / 1_000;
    process.send!({
      type: "counts",
      bytes,
      answers,
      resources,
      attempts,
      cpuMs,
      lastMs: [...lastMs],
    } satisfies XdsClientsReport);
  }
});

// Not all in one moment: a listening socket keeps a few hundred connections that nobody took yet, and clients that are sent away come later.
for (let i = 0; i < Number(count); i++) {
  connect(i);
  while (i + 1 - answered >= MAX_UNANSWERED) await new Promise((resolve) => setTimeout(resolve, 1));
}
process.send!({ type: "connected" } satisfies XdsClientsReport);
