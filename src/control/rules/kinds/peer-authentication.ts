import type { Rule } from "../../../model/rule.ts";
import type { MtlsMode, PeerAuthentication } from "../../../model/rules/peer-authentication.ts";
import { type Check, type ObjectShape, quote, type ReadContext, type ReadObject } from "../schema.ts";
import { textMap } from "./istio-values.ts";
import { object } from "./shapes.ts";

/** What a port takes where nothing says otherwise: Istio's own default. */
export const DEFAULT_MTLS_MODE: MtlsMode = "PERMISSIVE";

const isPort: Check<string> = (value) =>
  /^[1-9]\d{0,4}$/.test(value) && Number(value) <= 65_535
    ? undefined
    : { code: "TR0209", problem: `is ${quote(value)}; a port is a number from 1 to 65535` };

const mtls = object({ mode: { shape: { type: "choice", of: ["UNSET", "DISABLE", "PERMISSIVE", "STRICT"] } } });

/** Spec of Istio's PeerAuthentication (istio/api security/v1beta1/peer_authentication.proto). */
export const peerAuthenticationSpec: ObjectShape = object(
  {
    selector: { shape: object({ matchLabels: { shape: textMap } }) },
    mtls: { shape: mtls },
    portLevelMtls: { shape: { type: "map", of: mtls, key: isPort } },
  },
  { into: checkSpec },
);

function checkSpec(value: ReadObject, context: ReadContext, path: string): ReadObject | undefined {
  const { portLevelMtls, selector } = value as unknown as Spec;
  if (portLevelMtls === undefined || selectorOf(selector) !== undefined) return value;
  context.report(
    "TR0213",
    value.at.fields.portLevelMtls!,
    `${path} has portLevelMtls and no selector: ports are those of chosen workloads`,
  );
  return undefined;
}

interface Spec {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly mtls?: { readonly mode?: MtlsMode | "UNSET" };
  readonly portLevelMtls?: Readonly<Record<string, { readonly mode?: MtlsMode | "UNSET" }>>;
}

function selectorOf(selector: Spec["selector"]): Readonly<Record<string, string>> | undefined {
  const labels = selector?.matchLabels;
  return labels === undefined || Object.keys(labels).length === 0 ? undefined : labels;
}

/** The spec's part of a PeerAuthentication. */
export function readPeerAuthentication(spec: ReadObject): Pick<PeerAuthentication, "selector" | "mode" | "portModes"> {
  const { selector, mtls: all, portLevelMtls = {} } = spec as unknown as Spec;
  const known = (mode: MtlsMode | "UNSET" | undefined) => (mode === "UNSET" ? undefined : mode);
  return {
    selector: selectorOf(selector),
    mode: known(all?.mode),
    portModes: Object.fromEntries(Object.entries(portLevelMtls).map(([port, { mode }]) => [port, known(mode)])),
  };
}

/** What a PeerAuthentication is held against: a workload's namespace and labels. */
export interface Workload {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What a port takes, and by whose word; `rule` is undefined for the default. */
export interface MtlsDecision {
  readonly mode: MtlsMode;
  readonly rule: PeerAuthentication | undefined;
}

/** Decides for any workload's port what it takes. */
export type MtlsModes = (workload: Workload, port: number) => MtlsDecision;

/**
 * Makes the decision of a list of rules, oldest first. Of policies with one scope the oldest counts alone. The mesh's (in the root
 * namespace, without selector) gives way to the namespace's, that to the workload's (with a selector, outside the root namespace),
 * that to what the same policy says of the port; what is unset is taken over. Source: istio/istio
 * pilot/pkg/security/authn, ComposePeerAuthentication.
 */
export function mtlsModes(rules: readonly Rule[], rootNamespace: string): MtlsModes {
  const whole = new Map<string, PeerAuthentication>();
  const chosen = new Map<string, PeerAuthentication[]>();
  for (const rule of rules) {
    if (rule.kind !== "PeerAuthentication") continue;
    if (rule.selector === undefined) {
      if (!whole.has(rule.namespace)) whole.set(rule.namespace, rule);
    } else if (rule.namespace !== rootNamespace) {
      const list = chosen.get(rule.namespace);
      if (list === undefined) chosen.set(rule.namespace, [rule]);
      else list.push(rule);
    }
  }
  return (workload, port) => {
    const { namespace, labels } = workload;
    let decision: MtlsDecision = { mode: DEFAULT_MTLS_MODE, rule: undefined };
    const own = chosen.get(namespace)?.find(({ selector }) => selects(selector!, labels));
    const scopes = [whole.get(rootNamespace), namespace === rootNamespace ? undefined : whole.get(namespace), own];
    for (const rule of scopes) if (rule?.mode !== undefined) decision = { mode: rule.mode, rule };
    const ofPort = own?.portModes[String(port)];
    return ofPort === undefined ? decision : { mode: ofPort, rule: own };
  };
}

/** What one port of a workload takes; for one question. {@link mtlsModes} serves many. */
export function mtlsModeOf(rules: readonly Rule[], rootNamespace: string, workload: Workload, port: number): MtlsMode {
  return mtlsModes(rules, rootNamespace)(workload, port).mode;
}

/** Whether a workload has every label that a selector names. */
export function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value);
}
