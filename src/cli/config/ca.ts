import { parseAddress } from "./address.ts";
import type { CaConfig } from "./config.ts";
import type { KeyShape, Shape } from "./document.ts";
import type { Fail } from "./registries.ts";

const text: Shape = { type: "string" };

/** Names that clients of Istio call the service by, and this machine's own. */
const DEFAULT_NAMES = ["localhost", "127.0.0.1", "istiod.istio-system.svc", "istiod.istio-system"];
const DAY_MS = 86_400_000;
/** Istio's bound. */
const LONGEST_MS = 90 * DAY_MS;

/** The keys of `ca`. */
export const CA_KEYS: Readonly<Record<string, KeyShape>> = {
  certificates: {
    shape: text,
    doc: "folder with ca-cert.pem, ca-key.pem, cert-chain.pem, root-cert.pem and ca-crl.pem of an authority, as Istio's cacerts has them; watched",
    default: "a root of its own, in the folder ca of data",
  },
  key: { shape: text, doc: "kind of the keys that are made: ec (P-256) or rsa (2048 bits)", default: "ec" },
  validity: { shape: text, doc: "how long a certificate is valid where its caller asks for no time", default: "24h" },
  maxValidity: { shape: text, doc: "the longest that a certificate is valid, 2160h at most", default: "2160h" },
  overlap: {
    shape: text,
    doc: "how long a new root is handed out before it signs: longer than proxies may be out of reach",
    default: "5m",
  },
  revoked: { shape: text, doc: "file with serial numbers of revoked certificates, one a line; watched" },
  listen: {
    shape: { type: "string", what: "host:port, such as 0.0.0.0:15012" },
    doc: "address (host:port) where certificates are asked for by istio.v1.auth.IstioCertificateService, over TLS",
    default: "nowhere",
  },
  names: {
    shape: { type: "list", items: text },
    doc: "DNS names and IP addresses in the certificate of ca.listen",
    default: `[${DEFAULT_NAMES.join(", ")}]`,
  },
  tokens: {
    shape: text,
    doc: "file with tokens of machines, lines of TOKEN NAMESPACE/ACCOUNT; watched",
  },
  kubernetes: {
    shape: {
      type: "map",
      keys: {
        kubeconfig: {
          shape: text,
          doc: "kubeconfig of the API that reviews tokens",
          default: "that of the pod or kubectl",
        },
        audiences: {
          shape: { type: "list", items: text },
          doc: "audiences of which a token must have one",
          default: "[istio-ca]",
        },
      },
    },
    doc: "callers prove themselves by tokens of Kubernetes service accounts, which its API reviews",
  },
};

/** `ca` as the file has it. */
export interface RawCa {
  readonly certificates?: string;
  readonly key?: string;
  readonly validity?: string;
  readonly maxValidity?: string;
  readonly overlap?: string;
  readonly revoked?: string;
  readonly listen?: string;
  readonly names?: readonly string[];
  readonly tokens?: string;
  readonly kubernetes?: { readonly kubeconfig?: string; readonly audiences?: readonly string[] };
}

/** What `ca` says, with its defaults filled in; nothing where the file has no `ca`. */
export function resolveCa(raw: RawCa | undefined, fail: Fail): { readonly ca?: CaConfig } {
  if (raw === undefined) return {};
  const { certificates, revoked, tokens, kubernetes, key = "ec" } = raw;
  if (key !== "ec" && key !== "rsa") fail("ca.key", `"${key}" is no kind of key; there are ec and rsa`);
  const time = (
    name: "validity" | "maxValidity" | "overlap",
    base: number,
    leastMs: number,
    mostMs: number,
  ): number => {
    const said = raw[name];
    const ms = said === undefined ? base : readTime(said);
    if (ms !== undefined && ms >= leastMs && ms <= mostMs) return ms;
    fail(`ca.${name}`, `"${said}" is no time from ${leastMs / 1_000}s to ${mostMs / 3_600_000}h, such as 24h`);
    return base;
  };
  const maxValidityMs = time("maxValidity", LONGEST_MS, 300_000, LONGEST_MS);
  const listen = raw.listen === undefined || /^\d+$/.test(raw.listen) ? undefined : parseAddress(raw.listen, 15_012);
  if (raw.listen !== undefined && listen === undefined)
    fail("ca.listen", `"${raw.listen}" is no host:port to listen on, such as 0.0.0.0:15012`);
  if (kubernetes?.audiences?.length === 0)
    fail("ca.kubernetes.audiences", "an audience is needed: tokens for others would be taken");
  return {
    ca: {
      ...(certificates !== undefined && { certificates }),
      key: key === "rsa" ? "rsa" : "ec",
      validityMs: Math.min(maxValidityMs, time("validity", DAY_MS, 300_000, LONGEST_MS)),
      maxValidityMs,
      overlapMs: time("overlap", 300_000, 0, LONGEST_MS),
      ...(revoked !== undefined && { revoked }),
      ...(listen !== undefined && { listen }),
      names: raw.names ?? DEFAULT_NAMES,
      ...(tokens !== undefined && { tokens }),
      ...(kubernetes !== undefined && {
        kubernetes: { ...kubernetes, audiences: kubernetes.audiences ?? ["istio-ca"] },
      }),
    },
  };
}

/** Reads `30s`, `5m`, `2160h`, in ms; undefined for anything else. */
function readTime(text: string): number | undefined {
  const match = /^(\d{1,9})(s|m|h)$/.exec(text);
  return match === null
    ? undefined
    : Number(match[1]) * { s: 1_000, m: 60_000, h: 3_600_000 }[match[2] as "s" | "m" | "h"];
}
