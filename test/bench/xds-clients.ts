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

let bytes = 0;
let answers = 0;
let resources = 0;
/** Clients that had their first response. */
let answered = 0;
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

function connect(i: number): void {
  let responses = 0;
  const startMs = Date.now();
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
      console.error(`client ${i}, ${Date.now() - startMs} ms old, after ${responses} responses: ${error.message}`);
      process.exit(1);
    },
  );
  const listen = { dubbo: [{ address: "10.0.0.1", port: 20_880 }], tri: [], gatewayAddress: "10.0.0.1" };
  const node = {
    id: `n${i}`,
    cluster: "",
    metadata: { TRESTLE_LISTEN: listen, LABELS: { app: `w${i}` } },
    userAgentName: "trestle",
    userAgentVersion: "",
  };
  for (const typeUrl of TYPES) {
    const request = {
      variant: "delta",
      typeUrl,
      nonce: "",
      subscribe: ["*"],
      unsubscribe: [],
      initialVersions: {},
    } as const;
    stream.send(encodeRequest(typeUrl === TYPES[0] ? { ...request, node } : request));
  }
}

process.on("message", (request: XdsClientsRequest) => {
  if (request.type === "reset") {
    bytes = 0;
    answers = 0;
    resources = 0;
  } else {
    const { user, system } = process.cpuUsage();
    const cpuMs = (user + system) / 1_000;
    process.send!({ type: "counts", bytes, answers, resources, cpuMs, lastMs: [...lastMs] } satisfies XdsClientsReport);
  }
});

// Not all in one moment: a listening socket keeps a few hundred connections that nobody took yet, and clients that are sent away come later.
for (let i = 0; i < Number(count); i++) {
  connect(i);
  while (i + 1 - answered >= MAX_UNANSWERED) await new Promise((resolve) => setTimeout(resolve, 1));
}
process.send!({ type: "connected" } satisfies XdsClientsReport);
