import { ProtocolError } from "../../base/errors.ts";
import { decodeCertificate } from "../../codecs/x509/certificate.ts";
import { type Identity, isIdentity, parseIdentity } from "../../model/identity.ts";

/** What a caller showed of itself. */
export interface Credentials {
  /** Of `authorization: Bearer TOKEN`; never logged. */
  readonly token?: string;
  /** DER of a client certificate whose chain, times and revocation TLS has checked. */
  readonly certificate?: Uint8Array;
  /** Where the connection comes from. */
  readonly address: string;
}

/** A caller whose identity is proved. */
export interface Caller {
  readonly identity: Identity;
  /** How it was proved: the name of the {@link Authenticator}. */
  readonly by: string;
}

/** A way to prove who one is. */
export interface Authenticator {
  /** For logs and metrics: `certificate`, `token`, `kubernetes`, `jwt`. */
  readonly name: string;
  /**
   * The identity that the credentials prove. Undefined where they are not of its kind or not right; throws a `TransientError`
   * where that can't be found out now.
   */
  authenticate(credentials: Credentials, signal: AbortSignal): Promise<Identity | undefined>;
}

/** Longest token that is looked at, characters. */
export const MAX_TOKEN_CHARACTERS = 16 * 1024;

/**
 * The first of the ways that proves who calls, in their order; undefined where none does. Where one of them could not say, and no
 * later one proves it, its `TransientError` is thrown: the caller may come again.
 */
export async function identify(
  ways: readonly Authenticator[],
  credentials: Credentials,
  signal: AbortSignal,
): Promise<Caller | undefined> {
  if ((credentials.token?.length ?? 0) > MAX_TOKEN_CHARACTERS) return undefined;
  let failure: unknown;
  for (const way of ways) {
    try {
      const identity = await way.authenticate(credentials, signal);
      if (identity !== undefined) return { identity, by: way.name };
    } catch (error) {
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}

/** The bearer token of an `authorization` header; undefined for another scheme or none. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^bearer +([^\s]+) *$/i.exec(header ?? "")?.[1];
}

/**
 * The identity in a certificate: the only URI among its names, which is a SPIFFE id of the trust domain. Whether the certificate is
 * right is not asked here. Undefined for anything else.
 */
export function certificateIdentity(der: Uint8Array, trustDomain: string): Identity | undefined {
  try {
    const { uris } = decodeCertificate(der).altNames;
    const identity = uris.length === 1 ? parseIdentity(uris[0]!) : undefined;
    return identity?.trustDomain === trustDomain ? identity : undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** Who has a certificate of this mesh may have it renewed, unless it `isRevoked`. */
export function byCertificate(trustDomain: string, isRevoked: (der: Uint8Array) => boolean): Authenticator {
  return {
    name: "certificate",
    authenticate: async ({ certificate }) =>
      certificate === undefined || isRevoked(certificate) ? undefined : certificateIdentity(certificate, trustDomain),
  };
}

/** The identity of a Kubernetes user name, `system:serviceaccount:NAMESPACE:NAME`; undefined for other users. */
export function serviceAccountIdentity(user: unknown, trustDomain: string): Identity | undefined {
  if (typeof user !== "string") return undefined;
  const parts = user.split(":");
  const [system, kind, namespace = "", serviceAccount = ""] = parts;
  if (parts.length !== 4 || system !== "system" || kind !== "serviceaccount") return undefined;
  const identity = { trustDomain, namespace, serviceAccount };
  return isIdentity(identity) ? identity : undefined;
}
