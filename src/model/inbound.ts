/** Label of an endpoint, or parameter of a registered provider, by which Istio says that a proxy of the mesh stands in front of it. */
export const TLS_MODE_LABEL = "security.istio.io/tlsMode";

/** Parameter of a registered provider: whose identity (`TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`) its proxy shows by TLS. */
export const IDENTITY_LABEL = "trestle.identity";

/** What the two say of an address belongs to that address alone: whoever shows another in its place leaves them out. */
export const INBOUND_LABELS: readonly string[] = [TLS_MODE_LABEL, IDENTITY_LABEL];

/** A host and a port. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** A proxy in front of a provider, as registries are told of it in the provider's place. */
export interface InboundPlace {
  /** Where the proxy takes calls. */
  readonly listen: Place;
  /** The provider's own address. */
  readonly to: Place;
  /** What both speak: `dubbo`, `tri` or `http`. */
  readonly protocol: string;
  /** Whom it shows itself to be, as {@link IDENTITY_LABEL} has it; undefined where it has no certificate. */
  readonly identity?: string;
}

/** What a provider's parameters or metadata say more, where the proxy stands for it. */
export function inboundLabels({ identity }: Pick<InboundPlace, "identity">): Readonly<Record<string, string>> {
  return identity === undefined ? {} : { [TLS_MODE_LABEL]: "istio", [IDENTITY_LABEL]: identity };
}
