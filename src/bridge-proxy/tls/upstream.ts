import type { X509Certificate } from "node:crypto";
import { type OnReadOpts, Socket } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { socketPlace } from "../../base/address.ts";
import type { Cluster } from "../../codecs/xds/cluster.ts";
import type { CarriedProtocol } from "../../codecs/xds/core.ts";
import type { LbEndpoint } from "../../codecs/xds/endpoint.ts";
import { SOCKET_MATCH_METADATA, TLS_SOCKET, type TransportSocket } from "../../codecs/xds/tls.ts";
import type { MadeContext, TlsContext, TlsContexts } from "./contexts.ts";
import type { TlsRecord } from "./counters.ts";
import { chainFault, chainFrom, EXPIRED, NO_CERTIFICATE, nameFault, type PeerFault, parseNames } from "./peer.ts";
import type { StandingPeers } from "./standing.ts";

/** What the mesh's proxies call the protocols that they carry to each other, the server's choice first; from Istio's ALPN filter. */
const MESH_ALPN: Readonly<Record<CarriedProtocol, readonly string[]>> = {
  // istio-peer-exchange is never offered: whoever takes it is sent a message of Istio's own first.
  dubbo: ["istio"],
  tri: ["istio-h2", "istio", "h2"],
  http: ["istio-http/1.1", "istio", "http/1.1"],
};
/** What is offered to a server that is not of the mesh. */
const OWN_ALPN: Readonly<Record<CarriedProtocol, readonly string[]>> = { dubbo: [], tri: ["h2"], http: ["http/1.1"] };

/** Sessions that are kept to be taken up again, one for each address. */
const MAX_SESSIONS = 1_000;

interface Session {
  readonly ticket: Buffer;
  /** The peer's certificate and those above it, which are not shown again. */
  readonly chain: readonly X509Certificate[];
}

/** How a provider is connected to by TLS. */
export interface UpstreamTls {
  /** The same for all that connect alike. */
  readonly key: string;
  /** Begins a connection; it closes with the reason where there is no certificate to show. */
  open(address: string, port: number, onread: OnReadOpts): Socket;
  /** To be called when the handshake has ended: counts it. What is held against the peer, after which it must get no byte. */
  check(socket: Socket, peer: string): PeerFault | undefined;
  /** To be called behind that: `leave` is, once the peer is refused, or either certificate expires soon; it ends after a while. */
  follow(socket: Socket, peer: string, leave: () => void): void;
}

/** What TLS of a proxy shares. */
export interface TlsParts {
  readonly contexts: TlsContexts;
  readonly record: TlsRecord;
  /** Absent where connections live for a moment only. */
  readonly standing?: StandingPeers;
  /** ms since 1970. */
  readonly wallMs: () => number;
}

/** Compiles how a cluster's endpoints that speak one protocol are connected to: undefined is plain text. */
export function compileSockets(
  cluster: Pick<Cluster, "transportSocket" | "transportSocketMatches">,
  protocol: CarriedProtocol,
  parts: TlsParts,
): (endpoint: LbEndpoint) => UpstreamTls | undefined {
  const usual = compileSocket(cluster.transportSocket, protocol, parts);
  const matches = (cluster.transportSocketMatches ?? []).map(({ match, transportSocket }) => ({
    wanted: Object.entries(match),
    tls: compileSocket(transportSocket, protocol, parts),
  }));
  if (matches.length === 0) return () => usual;
  return ({ metadata }) => {
    const said = metadata?.filterMetadata[SOCKET_MATCH_METADATA];
    const fit = matches.find(({ wanted }) => wanted.every(([name, value]) => said?.[name] === value));
    return fit === undefined ? usual : fit.tls;
  };
}

/** Compiled ones by their key, so that clusters which say the same share connections. */
const compiled = new WeakMap<TlsContexts, Map<string, UpstreamTls>>();

function compileSocket(
  socket: TransportSocket | undefined,
  protocol: CarriedProtocol,
  parts: TlsParts,
): UpstreamTls | undefined {
  if (socket?.name !== TLS_SOCKET || socket.typedConfig === undefined) return undefined;
  const key = `${protocol} ${JSON.stringify(socket.typedConfig)}`;
  const known = compiled.get(parts.contexts) ?? new Map<string, UpstreamTls>();
  compiled.set(parts.contexts, known);
  let tls = known.get(key);
  if (tls === undefined) {
    const { commonTlsContext, sni } = socket.typedConfig;
    const isMesh = commonTlsContext.alpnProtocols?.includes("istio") === true;
    const alpn = isMesh ? MESH_ALPN[protocol] : (commonTlsContext.alpnProtocols ?? OWN_ALPN[protocol]);
    tls = new UpstreamSockets(key, parts, parts.contexts.of(commonTlsContext), { alpn, sni });
    known.set(key, tls);
  }
  return tls;
}

interface Offer {
  readonly alpn: readonly string[];
  readonly sni: string | undefined;
}

/** A connection and what is known of its peer. */
interface Attempt {
  readonly made: MadeContext;
  /** The session that it offered to take up again. */
  readonly session: Session | undefined;
  /** Once the peer was looked at and nothing is held against it: what it proved it by. */
  chain?: readonly X509Certificate[];
  /** What the peer gave before that (TLS 1.2). */
  ticket?: Buffer;
}

class UpstreamSockets implements UpstreamTls {
  readonly key: string;
  readonly #parts: TlsParts;
  readonly #context: TlsContext;
  readonly #offer: Offer;
  /** By address; of the context in force alone. */
  #sessions = new Map<string, Session>();
  #sessionsOf: MadeContext | undefined;
  readonly #attempts = new WeakMap<Socket, Attempt>();

  constructor(key: string, parts: TlsParts, context: TlsContext, offer: Offer) {
    this.key = key;
    this.#parts = parts;
    this.#context = context;
    this.#offer = offer;
  }

  open(address: string, port: number, onread: OnReadOpts): Socket {
    const made = this.#context.current();
    if (made === undefined) return new Socket().destroy(new Error(`no TLS context: ${this.#context.fault}`));
    const where = `${address}:${port}`;
    const session = this.#sessionFor(where, made);
    const { alpn, sni } = this.#offer;
    const options: ConnectionOptions & { readonly onread: OnReadOpts } = {
      ...socketPlace(address, port),
      onread,
      secureContext: made.secure,
      // What a peer is held against is said by the context; a chain's fault is looked at in `check`.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
      ...(sni !== undefined && sni !== "" && { servername: sni }),
      ...(session !== undefined && { session: session.ticket }),
    };
    const socket = connect(options);
    const attempt: Attempt = { made, session };
    this.#attempts.set(socket, attempt);
    // A peer may give several tickets, the last of them long after the handshake.
    socket.on("session", (ticket: Buffer) => this.#keep(where, attempt, ticket));
    return socket;
  }

  check(socket: Socket, peer: string): PeerFault | undefined {
    const tls = socket as TLSSocket;
    const attempt = this.#attempts.get(socket)!;
    const judged = this.#judge(tls, attempt);
    if ("kind" in judged) {
      this.#parts.record.refused(peer, judged, this.#parts.wallMs());
      return judged;
    }
    this.#parts.record.handshake(tls.isSessionReused());
    attempt.chain = judged;
    if (attempt.ticket !== undefined) this.#keep(peer, attempt, attempt.ticket);
    return undefined;
  }

  follow(socket: Socket, peer: string, leave: () => void): void {
    const { standing, wallMs } = this.#parts;
    if (standing === undefined) return;
    const { made, chain = [] } = this.#attempts.get(socket)!;
    const destroy = () => void socket.destroy();
    const how = { context: this.#context, made, isOurs: true, leave, end: destroy, destroy };
    socket.once("close", standing.add({ address: peer, chain, ...how }, wallMs()));
  }

  /** What the peer proves who it is by, or what is held against it. */
  #judge(tls: TLSSocket, { made, session }: Attempt): readonly X509Certificate[] | PeerFault {
    if (!made.verifies) return [];
    // The certificate is not shown again: it was looked at when the session began, under the same context.
    if (tls.isSessionReused() && session !== undefined) return this.#isValid(session) ? session.chain : EXPIRED;
    const error = verifyError(tls);
    if (error !== undefined) return chainFault(error);
    const certificate = tls.getPeerX509Certificate();
    if (certificate === undefined) return NO_CERTIFICATE;
    const names = parseNames(certificate.subjectAltName);
    return made.names === undefined || made.names(names) ? chainFrom(certificate) : nameFault(names);
  }

  #isValid({ chain: [leaf] }: Session): boolean {
    return leaf === undefined || this.#parts.wallMs() < Date.parse(leaf.validTo);
  }

  #sessionFor(where: string, made: MadeContext): Session | undefined {
    if (this.#sessionsOf !== made) {
      this.#sessions = new Map();
      this.#sessionsOf = made;
    }
    const session = this.#sessions.get(where);
    // A ticket is for one use (RFC 8446 C.4): the new connection brings another one.
    this.#sessions.delete(where);
    return session !== undefined && this.#isValid(session) ? session : undefined;
  }

  #keep(where: string, attempt: Attempt, ticket: Buffer): void {
    if (this.#sessionsOf !== attempt.made) return;
    if (attempt.chain === undefined) {
      attempt.ticket = ticket;
      return;
    }
    if (this.#sessions.size >= MAX_SESSIONS && !this.#sessions.has(where)) return;
    this.#sessions.set(where, { ticket, chain: attempt.chain });
  }
}

/** What OpenSSL holds against the peer's chain. Node tells it of clients alone, and not of sessions that were taken up again. */
export function verifyError(tls: TLSSocket): (Error & { readonly code?: string }) | undefined {
  const handle = (tls as unknown as { readonly _handle: { verifyError(): Error | null } | null })._handle;
  return handle?.verifyError() ?? undefined;
}
