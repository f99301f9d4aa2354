/**
 * The clients of the xDS bench, in a process of their own: delta streams that answer at once and read no more of a response than that
 * takes. Each has a connection for itself.
 */
import { Client, type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import { encodeRequest } from "../../src/codecs/xds/discovery-bytes.ts";
import {
  CLUSTER_TYPE,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  ROUTE_TYPE,
  VIRTUAL_HOST_TYPE,
} from "../../src/codecs/xds/resources.ts";
import type { XdsClientsReport, XdsClientsRequest } from "./xds-numbers.ts";

const [address = "", count = "1"] = process.argv.slice(2);
const METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
const TYPES = [CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, VIRTUAL_HOST_TYPE];
const same = (bytes: Buffer): Buffer => bytes;

let bytes = 0;
let answers = 0;
/** When each client answered last. */
const lastMs = new Float64Array(Number(count));

/** Type and nonce stand behind the resources (fields 4 and 5), removed names behind those. */
function ends(message: Buffer): { readonly typeUrl: string; readonly nonce: string } {
  let at = 0;
  let typeUrl = "";
  let nonce = "";
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const field = varint() >> 3;
    const length = varint();
    if (field === 4) typeUrl = message.toString("utf8", at, at + length);
    if (field === 5) nonce = message.toString("utf8", at, at + length);
    at += length;
  }
  return { typeUrl, nonce };
}

function connect(i: number): ClientDuplexStream<Buffer, Buffer> {
  const client = new Client(address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_receive_message_length": -1,
    "grpc.enable_channelz": 0,
  });
  const call = client.makeBidiStreamRequest(METHOD, same, same);
  const listen = { dubbo: [{ address: "10.0.0.1", port: 20_880 }], tri: [], gatewayAddress: "10.0.0.1" };
  const node = {
    id: `n${i}`,
    cluster: "",
    metadata: { TRESTLE_LISTEN: listen, LABELS: { app: `w${i}` } },
    userAgentName: "trestle",
    userAgentVersion: "",
  };
  const request = (typeUrl: string, nonce: string, subscribe: readonly string[]) =>
    call.write(
      Buffer.from(
        encodeRequest({
          variant: "delta",
          typeUrl,
          nonce,
          subscribe,
          unsubscribe: [],
          initialVersions: {},
          ...(subscribe.length > 0 && { node }),
        }),
      ),
    );
  call.on("error", (error) => {
    console.error(`client ${i}: ${error.message}`);
    process.exit(1);
  });
  call.on("data", (message: Buffer) => {
    bytes += message.length;
    const { typeUrl, nonce } = ends(message);
    request(typeUrl, nonce, []);
    lastMs[i] = Date.now();
    answers++;
  });
  for (const typeUrl of TYPES) request(typeUrl, "", ["*"]);
  return call;
}

process.on("message", (request: XdsClientsRequest) => {
  if (request.type === "reset") {
    bytes = 0;
    answers = 0;
  } else process.send!({ type: "counts", bytes, answers, lastMs: [...lastMs] } satisfies XdsClientsReport);
});

// Not all in one moment: a connection takes the server more than a millisecond.
for (let i = 0; i < Number(count); i++) {
  connect(i);
  if (i % 20 === 19) await new Promise((resolve) => setTimeout(resolve, 20));
}
process.send!({ type: "connected" } satisfies XdsClientsReport);
