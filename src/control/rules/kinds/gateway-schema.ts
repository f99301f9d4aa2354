import { RE2JS } from "re2js";
import type { TextMatch } from "../../../model/rules/http-route.ts";
import type { ReadContext, ReadObject, Shape } from "../schema.ts";
import {
  anyText,
  bindAddress,
  durationOrZero,
  flag,
  gatewayHost,
  listOf,
  regex,
  text,
  textMap,
  textMatch,
  token,
  whole,
} from "./istio-values.ts";
import { meaningless, object } from "./shapes.ts";

/** `rewrite` of a route. */
export const rewrite = object(
  {
    uri: { shape: text },
    authority: { shape: text },
    uriRegexRewrite: {
      shape: object(
        { match: { shape: regex, required: true }, rewrite: { shape: anyText } },
        { into: readRegexRewrite },
      ),
    },
  },
  { exclusive: [["uri", "uriRegexRewrite"]] },
);

/** What is left out of a rewrite is an empty text. An Envoy rewrites nothing where it names a group that the expression lacks. */
function readRegexRewrite(value: ReadObject, context: ReadContext, path: string): ReadObject | undefined {
  const { match, rewrite: text = "" } = value as ReadObject & { readonly match: string; readonly rewrite?: string };
  const groups = RE2JS.compile(match).groupCount();
  const wrong = text.match(/\\[\d\\]/g)?.find((one) => one !== "\\\\" && Number(one[1]) > groups);
  if (wrong === undefined) return { ...value, rewrite: text };
  const position = value.at.fields.rewrite ?? value.at.position;
  context.report("TR0209", position, `${path}.rewrite names group ${wrong}; the match has ${groups}`);
  return undefined;
}

/** `corsPolicy` of a route. */
export const corsPolicy = object(
  {
    allowOrigins: { shape: listOf(textMatch) },
    allowOrigin: { shape: listOf(text) },
    allowMethods: { shape: listOf(token) },
    allowHeaders: { shape: listOf(token) },
    exposeHeaders: { shape: listOf(token) },
    maxAge: { shape: durationOrZero, as: "maxAgeMs" },
    allowCredentials: { shape: flag },
    unmatchedPreflights: { shape: { type: "choice", of: ["UNSPECIFIED", "FORWARD", "IGNORE"] } },
  },
  { exclusive: [["allowOrigins", "allowOrigin"]], into: readCors },
);

/** Istio's older list of exact origins, `*` for all, becomes matches. */
function readCors(value: ReadObject): ReadObject {
  const { allowOrigin, ...cors } = value as ReadObject & { readonly allowOrigin?: readonly string[] };
  const older = (allowOrigin ?? []).map(
    (origin): TextMatch => (origin === "*" ? { type: "regex", value: ".*" } : { type: "exact", value: origin }),
  );
  return { ...cors, allowOrigins: value.allowOrigins ?? older } as ReadObject;
}

const tlsVersion: Shape = { type: "choice", of: ["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"] };
const texts = (names: string) => Object.fromEntries(names.split(" ").map((name) => [name, { shape: anyText }]));
const lists = (names: string) => Object.fromEntries(names.split(" ").map((name) => [name, { shape: listOf(text) }]));

/** How a server of a Gateway, or an inbound port of a Sidecar, is secured. */
export const gatewayTls = object({
  httpsRedirect: { shape: flag },
  mode: {
    shape: {
      type: "choice",
      of: ["PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"],
    },
  },
  ...texts("serverCertificate privateKey caCertificates caCrl credentialName caCertCredentialName"),
  ...lists("credentialNames subjectAltNames verifyCertificateSpki verifyCertificateHash"),
  cipherSuites: { shape: listOf(text) },
  tlsCertificates: { shape: listOf(object(texts("serverCertificate privateKey caCertificates"))) },
  minProtocolVersion: { shape: tlsVersion },
  maxProtocolVersion: { shape: tlsVersion },
  insecureSkipVerify: { shape: flag },
});

const gatewayServer = object(
  {
    port: {
      shape: object({
        number: { shape: whole(1, 65_535), required: true },
        name: { shape: anyText },
        protocol: { shape: text, required: true },
        targetPort: meaningless("the gateway listens on the port itself", whole(0, 65_535)),
      }),
      required: true,
    },
    hosts: { shape: listOf(gatewayHost, 1), required: true },
    bind: { shape: bindAddress },
    name: { shape: anyText },
    tls: { shape: gatewayTls },
    defaultEndpoint: meaningless("calls go where VirtualServices lead them", anyText),
  },
  {},
);

/** What the spec of a Gateway must be. */
export const gatewaySpec = object({
  selector: { shape: textMap },
  servers: { shape: listOf(gatewayServer, 1), required: true },
});
