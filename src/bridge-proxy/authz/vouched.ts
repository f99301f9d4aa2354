import { type IpBlock, isInBlock, parseBlock, parseIp } from "../../base/ip-block.ts";
import type { Peer } from "./peer.ts";

/** Says whose calls come from an address; undefined where nobody vouches for it. */
export type IdentityOf = (address: string) => string | undefined;

/** Most addresses whose answer is remembered. */
const MAX_KNOWN = 10_000;

/** Compiles SPIFFE ids by address or range, `""` for nobody: the narrowest range counts. Undefined where there are none. */
export function compileIdentities(identities: Readonly<Record<string, string>> | undefined): IdentityOf | undefined {
  const blocks = Object.entries(identities ?? {})
    .map(([text, identity]) => ({ block: parseBlock(text), identity }))
    .filter((one): one is { readonly block: IpBlock; readonly identity: string } => one.block !== undefined)
    .sort((a, b) => b.block.bits - a.block.bits);
  if (blocks.length === 0) return undefined;
  const known = new Map<string, string | undefined>();
  return (address) => {
    if (!known.has(address)) {
      if (known.size >= MAX_KNOWN) known.clear();
      const ip = parseIp(address);
      known.set(address, (ip && blocks.find(({ block }) => isInBlock(ip, block))?.identity) || undefined);
    }
    return known.get(address);
  };
}

const vouched = new WeakMap<Peer, { readonly by: IdentityOf; readonly peer: Peer }>();

/**
 * A peer as policies are asked of it: one without a certificate is whom its address stands for. The same object while that stays, so that what
 * was decided for it holds.
 */
export function vouchedPeer(peer: Peer, identityOf: IdentityOf | undefined): Peer {
  if (identityOf === undefined || peer.spiffeId !== undefined) return peer;
  const known = vouched.get(peer);
  if (known?.by === identityOf) return known.peer;
  const spiffeId = identityOf(peer.address);
  if (spiffeId === undefined) return peer;
  const now = known?.peer.spiffeId === spiffeId ? known.peer : { ...peer, spiffeId };
  vouched.set(peer, { by: identityOf, peer: now });
  return now;
}
