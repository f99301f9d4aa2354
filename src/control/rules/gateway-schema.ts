import type { TextMatch } from "../../model/rule.ts";
import {
  anyText,
  anything,
  bindAddress,
  durationOrZero,
  flag,
  gatewayHost,
  listOf,
  text,
  textMap,
  textMatch,
  token,
  whole,
} from "./istio-values.ts";
import type { ReadObject } from "./schema.ts";
import { meaningless, notYet, object } from "./shapes.ts";

/** `rewrite` of a route. */
export const rewrite = object({
  uri: { shape: text },
  authority: { shape: text },
  uriRegexRewrite: notYet("the path stays as it is"),
});

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
    unmatchedPreflights: notYet("preflight requests of other origins are answered without permission"),
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

const GATEWAY_TLS = (
  "httpsRedirect mode serverCertificate privateKey caCertificates caCrl credentialName credentialNames tlsCertificates " +
  "subjectAltNames verifyCertificateSpki verifyCertificateHash minProtocolVersion maxProtocolVersion cipherSuites"
).split(" ");

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
    tls: { shape: object(Object.fromEntries(GATEWAY_TLS.map((name) => [name, { shape: anything }]))) },
    defaultEndpoint: meaningless("calls go where VirtualServices lead them", anyText),
  },
  {},
);

/** What the spec of a Gateway must be. */
export const gatewaySpec = object({
  selector: { shape: textMap },
  servers: { shape: listOf(gatewayServer, 1), required: true },
});
