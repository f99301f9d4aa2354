import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { parseIp } from "../../base/ip-block.ts";
import { type Identity, printIdentity } from "../../model/identity.ts";

/** Who is at the other end of an accepted connection: what policies may ask of it. */
export interface Peer {
  /** As {@link parseIp} gives it; undefined where the address is not known. */
  readonly ip: Uint8Array | undefined;
  /** Its address as text, for logs and external servers. */
  readonly address: string;
  /** SPIFFE id of its certificate, or of who the facade says that it is; undefined where nobody vouches for it. */
  readonly spiffeId: string | undefined;
  /** Server name that it asked for by TLS; `""` for none. */
  readonly serverName: string;
  /** `https` where it came by TLS. */
  readonly scheme: "http" | "https";
}

const identities = new WeakMap<Socket, { readonly identity: Identity; readonly serverName: string }>();

/** Says whose connection this is; before its first bytes are handed on. */
export function identify(socket: Socket, identity: Identity, serverName = ""): void {
  identities.set(socket, { identity, serverName });
}

/** The peer of a connection from `address`. */
export function peerOf(socket: Socket, address: string): Peer {
  const known = identities.get(socket);
  const scheme = (socket as Partial<TLSSocket>).encrypted === true ? "https" : "http";
  return peerFrom(address, known?.identity, known?.serverName, scheme);
}

const peers = new Map<string, WeakRef<Peer>>();
const gone = new FinalizationRegistry<string>((key) => {
  if (peers.get(key)?.deref() === undefined) peers.delete(key);
});

/** A peer by what is known of it: the same object for all connections of which that is the same, so that what was decided for one holds for all. */
export function peerFrom(address: string, identity?: Identity, serverName = "", scheme: Peer["scheme"] = "http"): Peer {
  const spiffeId = identity === undefined ? undefined : printIdentity(identity);
  const key = JSON.stringify([address, spiffeId, serverName, scheme]);
  const known = peers.get(key)?.deref();
  if (known !== undefined) return known;
  const peer = { ip: parseIp(address), address, spiffeId, serverName, scheme };
  peers.set(key, new WeakRef(peer));
  gone.register(peer, key);
  return peer;
}
