import type { TransportSocket } from "../../../codecs/xds/tls.ts";

/**
 * The file of the roots that an Envoy's host trusts, where Debian and all that is made of it has them. An Envoy has no roots of its own, and refuses
 * a cluster whose certificates are asked for names and not for a root.
 */
export const SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt";

/** A transport socket with the host's own roots, where its rule names none and does not leave them out. */
export function withRoots(socket: TransportSocket): TransportSocket {
  const { typedConfig } = socket;
  const validationContext = typedConfig?.commonTlsContext.validationContext;
  if (typedConfig === undefined || validationContext === undefined) return socket;
  if (validationContext.trustedCa !== undefined || validationContext.trustChainVerification === "ACCEPT_UNTRUSTED")
    return socket;
  const trusting = { ...validationContext, trustedCa: { filename: SYSTEM_ROOTS } };
  const commonTlsContext = { ...typedConfig.commonTlsContext, validationContext: trusting };
  return { ...socket, typedConfig: { ...typedConfig, commonTlsContext } };
}
