import { expect, test } from "vitest";
import { KINDS } from "../../src/control/rules/kinds/istio-schema.ts";
import { POLICY_KINDS } from "../../src/control/rules/kinds/policy-kinds.ts";
import { parseRules } from "../../src/control/rules/parse.ts";
import type { ObjectShape, Shape } from "../../src/control/rules/schema.ts";
import { shapeFields } from "../support/crd-fields.ts";

// Every field of Istio's objects is either read into the model, or named by a finding: none is passed over in silence.

const SPECS: Readonly<Record<string, ObjectShape>> = {
  VirtualService: KINDS.VirtualService,
  DestinationRule: KINDS.DestinationRule,
  Gateway: KINDS.Gateway,
  ServiceEntry: KINDS.ServiceEntry,
  WorkloadEntry: KINDS.WorkloadEntry,
  Sidecar: KINDS.Sidecar,
  AuthorizationPolicy: POLICY_KINDS.AuthorizationPolicy.shape,
  PeerAuthentication: POLICY_KINDS.PeerAuthentication.shape,
  RequestAuthentication: POLICY_KINDS.RequestAuthentication.shape,
};

/** Texts of which one is right wherever a text is asked for. */
const TEXTS = [
  "a.example.com",
  "x",
  "10.0.0.1",
  "10.0.0.0/8",
  "10.1.0.0/16",
  "./*",
  "shop/*",
  "GET",
  "5xx",
  "503",
].concat([
  "UNAVAILABLE",
  "ABORTED",
  "YQ==",
  "Yg==",
  "8080",
  "https://a.example.com/keys",
  "https://b.example.com/keys",
]);

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** The smallest value of a shape: what is required alone. `n` gives one of two different ones. */
function smallest(shape: Shape, n: 0 | 1 = 0): Json {
  switch (shape.type) {
    case "object":
      return Object.fromEntries(
        Object.entries(shape.fields)
          .filter(([, { required }]) => required === true)
          .map(([name, { shape: of }]) => [name, smallest(of)]),
      );
    case "map":
      return { name: smallest(shape.of, n) };
    case "list":
      return [smallest(shape.of, n)];
    case "choice":
      return shape.of[n === 0 ? 0 : shape.of.length - 1]!;
    case "boolean":
      return n === 1;
    case "duration":
      return `${7 + n}s`;
    case "integer":
    case "number":
      return Math.min(Math.max(7, shape.min), shape.max - 1) + n;
    case "text": {
      const right = TEXTS.filter((text) => shape.check?.(text) === undefined);
      return right[n] ?? right[0] ?? "x";
    }
    default:
      return n;
  }
}

/** A value of a shape in which what `path` leads to stands beside what is required. */
function holding(shape: Shape, path: readonly string[], n: 0 | 1): Json {
  const [first, ...rest] = path;
  if (first === undefined) return smallest(shape, n);
  if (first === "[]" && shape.type === "list") return [holding(shape.of, rest, n)];
  if (first === "*" && shape.type === "map") return { name: holding(shape.of, rest, n) };
  if (shape.type !== "object") throw new Error(`nothing is below ${first}`);
  const own = holding(shape.fields[first]!.shape, rest, n);
  return { ...(smallest(shape) as object), [first]: own } as Json;
}

const partsOf = (path: string): string[] =>
  path
    .replaceAll("[]", ".[]")
    .split(".")
    .filter((part) => part !== "");

interface Read {
  readonly model: string;
  readonly findings: readonly string[];
  readonly valid: boolean;
}

function read(kind: string, spec: Json): Read {
  const isPolicy = ["AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"].includes(kind);
  const object = {
    apiVersion: `${isPolicy ? "security" : "networking"}.istio.io/v1`,
    kind,
    metadata: { name: "x" },
    spec,
  };
  const { rules, findings, valid } = parseRules("r.yaml", JSON.stringify(object));
  const model = JSON.stringify(rules, (key, value) => (key === "at" ? undefined : value));
  return { model, findings: findings.map(({ code, message }) => `${code} ${message}`), valid };
}

type Loose = Record<string, never> & { [name: string]: Loose } & Loose[];

/** Sets `value` at a path such as `http[].route`. */
function put(spec: Json, path: string, value: Json): void {
  let at = spec as unknown as Loose;
  const parts = partsOf(path);
  for (const part of parts.slice(0, -1)) {
    const next = (part === "[]" ? at[0] : at[part]) as Loose | undefined;
    if (next !== undefined) at = next;
    else at = (at as unknown as Record<string, Loose>)[part] = {} as Loose;
  }
  (at as unknown as Record<string, Json>)[parts.at(-1)!] = value;
}

/** What else has to stand there for a field to be right: by kind and a pattern over its path; of the pattern's match and which of the two values it is. */
const BESIDE: readonly (readonly [kind: string, path: RegExp, put: (spec: Json, found: string, n: 0 | 1) => void])[] = [
  [
    "VirtualService",
    /^http\[\]\.(?!route|redirect|directResponse|delegate)/,
    (spec) => put(spec, "http[].route", [{ destination: { host: "a" } }]),
  ],
  ["VirtualService", /^http\[\]\.fault\.abort\.perc/, (spec) => put(spec, "http[].fault.abort.httpStatus", 503)],
  ["VirtualService", /^http\[\]\.mirror_?[pP]/, (spec) => put(spec, "http[].mirror", { host: "a" })],
  [
    "DestinationRule",
    /.*\.consistentHash(?=\.(ringHash|maglev|minimumRingSize))/,
    (spec, found) => put(spec, `${found}.useSourceIp`, true),
  ],
  ["DestinationRule", /.*\.tableSize$/, (spec, found, n) => put(spec, found, n === 0 ? 7 : 11)],
  ["DestinationRule", /.*\.distribute\[\](?=\.from)/, (spec, found) => put(spec, `${found}.to`, { a: 100 })],
  ["DestinationRule", /.*\.distribute\[\]\.to(?=\.)/, (spec, found, n) => put(spec, found, { a: 50 + n, b: 50 - n })],
  ["Gateway", /^servers\[\]\.(?!port\.protocol|tls)/, (spec) => put(spec, "servers[].port.protocol", "HTTP")],
  ["Gateway", /^servers\[\]\.port\.protocol/, (spec, found, n) => put(spec, found, n === 0 ? "HTTP" : "GRPC")],
  [
    "Gateway",
    /^servers\[\]\.tls\./,
    (spec, _, n) => {
      const { tls } = (spec as { servers: [{ tls: Record<string, Json> }] }).servers[0];
      if (tls["httpsRedirect"] !== undefined) return put(spec, "servers[].port.protocol", "HTTP");
      put(spec, "servers[].port.protocol", "HTTPS");
      const isOwn = ["credentialName", "credentialNames", "tlsCertificates", "serverCertificate", "privateKey"].some(
        (name) => tls[name],
      );
      if (tls["mode"] !== undefined) tls["mode"] = n === 0 ? "SIMPLE" : "MUTUAL";
      else tls["mode"] = "MUTUAL";
      if (tls["caCertificates"] !== undefined) tls["serverCertificate"] = "/c";
      else if (!isOwn) tls["credentialName"] = "c";
      if (tls["serverCertificate"] !== undefined) tls["privateKey"] ??= "/k";
      else if (tls["privateKey"] !== undefined) tls["serverCertificate"] = "/c";
      const [pair] = (tls["tlsCertificates"] ?? []) as Record<string, Json>[];
      if (pair !== undefined) Object.assign(pair, { serverCertificate: "/c", privateKey: "/k", ...pair });
      if (isOwn && tls["credentialName"] === undefined && pair?.["caCertificates"] === undefined)
        tls["caCertificates"] ??= "/ca";
    },
  ],
  [
    "ServiceEntry",
    /^(?!resolution)/,
    (spec, _, n) => {
      const entry = spec as Record<string, Json>;
      entry["resolution"] = "STATIC";
      const [port] = entry["ports"] as [Record<string, Json>];
      port["protocol"] = port["protocol"] === undefined || n === 0 ? "HTTP" : "GRPC";
      if (entry["workloadSelector"] === undefined) entry["endpoints"] ??= [{ address: "10.0.0.1" }];
    },
  ],
  ["AuthorizationPolicy", /^provider/, (spec) => put(spec, "action", "CUSTOM")],
  [
    "AuthorizationPolicy",
    /.*\.when\[\](?=\.key)/,
    (spec, found, n) => put(spec, `${found}.key`, n === 0 ? "source.ip" : "remote.ip"),
  ],
  ["AuthorizationPolicy", /.*\.when\[\](?=\.key)/, (spec, found) => put(spec, `${found}.values`, ["10.0.0.1"])],
  ["AuthorizationPolicy", /.*\.when\[\](?=\.(v|n))/, (spec, found) => put(spec, `${found}.key`, "request.headers[x]")],
  [
    "PeerAuthentication",
    /^portLevelMtls/,
    (spec, found, n) => put(spec, found, { 8080: { mode: n === 0 ? "STRICT" : "DISABLE" } }),
  ],
  ["PeerAuthentication", /^portLevelMtls/, (spec) => put(spec, "selector", { matchLabels: { app: "a" } })],
  [
    "RequestAuthentication",
    /^jwtRules\[\](?!\.jwks)/,
    (spec, found) => put(spec, `${found}.jwksUri`, "https://a.example.com/keys"),
  ],
];

/** Fields of which one value alone is right, or whose other value asks for more; tests of their own kinds show that they are read. */
const SHOWN_ELSEWHERE: Readonly<Record<string, readonly RegExp[]>> = {
  VirtualService: [/\.redirect\.(scheme|redirectCode)$/],
  DestinationRule: [/\.consistentHash\.useSourceIp$/],
  AuthorizationPolicy: [/^action$/],
  RequestAuthentication: [/\.jwks$/],
};

test.each(Object.keys(SPECS))("each field of a %s is read, or named", (kind) => {
  const shape = SPECS[kind]!.fields["spec"]!.shape as ObjectShape;
  const silent: string[] = [];
  const wrong: string[] = [];
  for (const [path, type] of shapeFields(shape)) {
    // A list or object is read where what is in it is.
    if (type === "list" || type === "object" || type === "map") continue;
    if (SHOWN_ELSEWHERE[kind]?.some((pattern) => pattern.test(path))) continue;
    const reads = ([0, 1] as const).map((n) => {
      const spec = holding(shape, partsOf(path), n);
      for (const [of, pattern, add] of BESIDE) {
        const found = pattern.exec(path);
        if (of === kind && found !== null) add(spec, found[0], n);
      }
      return read(kind, spec);
    });
    const [one, other] = reads as [Read, Read];
    const places = partsOf(path).map((_, i, all) =>
      `${kind}.spec.${all.slice(0, i + 1).join(".")}`.replaceAll(".[]", "[0]").replaceAll("*", "name"),
    );
    const isNamed = [...one.findings, ...other.findings].some(
      (text) =>
        (/^TR02(27|28)/.test(text) && places.some((place) => text.includes(`${place} `))) ||
        // A server of a Gateway is left out as a whole, for the field that it is left out for.
        (text.startsWith("TR0240") &&
          (path.includes(/(?<=tls\.)\w+/.exec(text)?.[0] ?? "-") || text.includes("tls is for"))),
    );
    if (isNamed || (one.valid && other.valid && one.model !== other.model)) continue;
    if (one.valid && other.valid) silent.push(path);
    else wrong.push(`${path}: ${[...one.findings, ...other.findings].join("; ")}`);
  }
  expect({ silent, wrong }).toEqual({ silent: [], wrong: [] });
});
