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

let bytes = 0;
let answers = 0;
let resources = 0;
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
  const stream = new LeanStream(
    address,
    METHOD,
    (response) => {
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
      console.error(`client ${i}: ${error.message}`);
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

// Not all in one moment: a connection takes the server more than a millisecond.
for (let i = 0; i < Number(count); i++) {
  connect(i);
  if (i % 20 === 19) await new Promise((resolve) => setTimeout(resolve, 20));
}
process.send!({ type: "connected" } satisfies XdsClientsReport);
