/** Who a workload is, as SPIFFE and Istio have it: the trust domain that vouches for it, its namespace and its service account. */
export interface Identity {
  /** Lower case, such as `cluster.local`. */
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** Longest SPIFFE id, bytes (SPIFFE-ID section 2.3). */
export const MAX_SPIFFE_BYTES = 2_048;

const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/;
const SEGMENT = /^[A-Za-z0-9._-]{1,253}$/;

/** Prints `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT`. Source: istio/istio pkg/spiffe/spiffe.go. */
export function printIdentity(identity: Identity): string {
  return `spiffe://${printPrincipal(identity)}`;
}

/** Prints an identity as AuthorizationPolicy's principals have it: without `spiffe://`. */
export function printPrincipal({ trustDomain, namespace, serviceAccount }: Identity): string {
  return `${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}

/**
 * Reads {@link printIdentity}'s form; undefined for anything else, such as other paths, a port, a query, percent signs, an
 * empty part, or `.` and `..`.
 */
export function parseIdentity(uri: string): Identity | undefined {
  if (uri.length > MAX_SPIFFE_BYTES || !uri.startsWith("spiffe://")) return undefined;
  const parts = uri.slice("spiffe://".length).split("/");
  const [trustDomain, ns, namespace, sa, serviceAccount] = parts;
  if (parts.length !== 5 || ns !== "ns" || sa !== "sa") return undefined;
  const identity = { trustDomain: trustDomain!, namespace: namespace!, serviceAccount: serviceAccount! };
  return isIdentity(identity) ? identity : undefined;
}

/** Whether every part can stand in a SPIFFE id, so that {@link parseIdentity} reads what {@link printIdentity} prints. */
export function isIdentity({ trustDomain, namespace, serviceAccount }: Identity): boolean {
  return TRUST_DOMAIN.test(trustDomain) && isSegment(namespace) && isSegment(serviceAccount);
}

function isSegment(text: string): boolean {
  return SEGMENT.test(text) && text !== "." && text !== "..";
}
