import { parseBlock } from "../../../base/ip-block.ts";
import { type Check, quote, type Shape } from "../schema.ts";
import { anyText, exactHost, listOf, text, textMap, whole } from "./istio-values.ts";
import { object } from "./shapes.ts";

const MAX_INT = 2_147_483_647;

/** An IP address, or a range of them. */
const isSubnet: Check<string> = (value) =>
  parseBlock(value) === undefined
    ? { code: "TR0209", problem: `is ${quote(value)}; it must be an IP address or a range such as "10.0.0.0/8"` }
    : undefined;

/** A name of TLS, perhaps with a wildcard for its first part. */
const isServerName: Check<string> = (value) =>
  value.length <= 253 && /^(?:\*|(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)$/.test(value)
    ? undefined
    : { code: "TR0209", problem: `is ${quote(value)}; it must be a DNS name, or a wildcard such as "*.example.com"` };

const subnet: Shape = { type: "text", check: isSubnet };
const serverName: Shape = { type: "text", check: isServerName };

const ofConnection = {
  destinationSubnets: { shape: listOf(subnet) },
  port: { shape: whole(0, 65_535) },
  sourceLabels: { shape: textMap },
  gateways: { shape: listOf(text) },
  sourceNamespace: { shape: anyText },
};

const route = listOf(
  object({
    destination: {
      shape: object({
        host: { shape: exactHost, required: true },
        subset: { shape: text },
        port: { shape: object({ number: { shape: whole(1, 65_535) } }) },
      }),
      required: true,
    },
    weight: { shape: whole(0, MAX_INT) },
  }),
  1,
);

/** One entry of a VirtualService's `tls`. */
export const tlsRoute: Shape = object({
  match: {
    shape: listOf(object({ ...ofConnection, sniHosts: { shape: listOf(serverName, 1), required: true } }), 1),
    required: true,
  },
  route: { shape: route, required: true },
});

/** One entry of a VirtualService's `tcp`. */
export const tcpRoute: Shape = object({
  match: { shape: listOf(object({ ...ofConnection, sourceSubnet: { shape: subnet } })) },
  route: { shape: route, required: true },
});
