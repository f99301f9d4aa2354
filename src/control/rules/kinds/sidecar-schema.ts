import type { Located } from "../../../model/rules/located.ts";
import type { Sidecar } from "../../../model/rules/sidecar.ts";
import { type Check, quote, type ReadContext, type ReadObject } from "../schema.ts";
import { gatewayTls } from "./gateway-schema.ts";
import { anyText, exactHost, listOf, text, whole } from "./istio-values.ts";
import { meaningless, object } from "./shapes.ts";
import { connectionPool, workloadSelector } from "./traffic-policy-schema.ts";

const inbound = "what comes in to a workload is for the port it listens on to say";

/** `NAMESPACE/host`. */
const isEgressHost: Check<string> = (value) =>
  value.length <= 512 &&
  /^(?:\*|\.|~|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)\/(?:\*|(?:\*\.)?[A-Za-z0-9_$-]+(?:[.:]+[A-Za-z0-9_$-]+)*(?:\.\*)?)$/.test(
    value,
  )
    ? undefined
    : {
        code: "TR0209",
        problem: `is ${quote(value)}; it must be NAMESPACE/host, such as "./*", "*/com.acme.*" or "shop/*"`,
      };

const port = object({
  number: { shape: whole(0, 65_535) },
  name: { shape: anyText },
  protocol: { shape: anyText },
  targetPort: { shape: whole(0, 65_535) },
});
const captureMode = { type: "choice", of: ["DEFAULT", "IPTABLES", "NONE"] } as const;
const captured = "callers are led to the proxy by their registry";

/** What the spec of a Sidecar must be. */
export const sidecarSpec = object({
  workloadSelector: { shape: workloadSelector },
  egress: {
    shape: listOf(
      object({
        hosts: { shape: listOf({ type: "text", check: isEgressHost }, 1), required: true },
        port: meaningless("a proxy's listeners carry all services; the hosts count all the same", port),
        bind: meaningless(captured, anyText),
        captureMode: meaningless(captured, captureMode),
      }),
    ),
  },
  ingress: meaningless(
    inbound,
    listOf(
      object({
        port: { shape: port },
        bind: { shape: anyText },
        captureMode: { shape: captureMode },
        defaultEndpoint: { shape: anyText },
        tls: { shape: gatewayTls },
        connectionPool: { shape: connectionPool },
      }),
    ),
  ),
  inboundConnectionPool: meaningless(inbound, connectionPool),
  outboundTrafficPolicy: {
    shape: object(
      {
        mode: { shape: { type: "choice", of: ["REGISTRY_ONLY", "ALLOW_ANY"] } },
        egressProxy: meaningless(
          "calls to services that are not known are not carried",
          object({
            host: { shape: exactHost, required: true },
            subset: { shape: text },
            port: { shape: object({ number: { shape: whole(1, 65_535) } }) },
          }),
        ),
      },
      { into: checkPolicy },
    ),
  },
});

/** What a proxy does in any case is REGISTRY_ONLY, which is also what no word means. */
function checkPolicy(value: ReadObject, { report }: ReadContext, path: string): ReadObject {
  if (value["mode"] === "ALLOW_ANY")
    report(
      "TR0227",
      value.at.fields["mode"] ?? value.at.position,
      `${path}.mode ALLOW_ANY has no meaning here: calls to services that are not known are not carried; their callers reach them without a proxy`,
    );
  return value;
}

interface Spec extends Located {
  readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> };
  readonly egress?: Sidecar["egress"];
  readonly outboundTrafficPolicy?: { readonly mode?: Sidecar["outboundTrafficPolicy"] };
}

/** A Sidecar's spec as the model has it. */
export function readSidecar(
  spec: Located & Record<string, unknown>,
): Pick<Sidecar, "workloadSelector" | "egress" | "outboundTrafficPolicy"> {
  const { workloadSelector: selector, egress = [], outboundTrafficPolicy: outbound } = spec as unknown as Spec;
  const labels = selector?.labels ?? {};
  // Istio: a policy without a word is its first, REGISTRY_ONLY.
  const mode = outbound === undefined ? undefined : (outbound.mode ?? "REGISTRY_ONLY");
  return {
    egress,
    ...(Object.keys(labels).length > 0 && { workloadSelector: labels }),
    ...(mode !== undefined && { outboundTrafficPolicy: mode }),
  };
}
