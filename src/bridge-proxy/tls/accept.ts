import type { X509Certificate } from "node:crypto";
import type { OnReadOpts, Socket } from "node:net";
import { TLSSocket, type TLSSocketOptions } from "node:tls";
import type { Identity } from "../../model/identity.ts";
import { takeHandle } from "../socket-driver.ts";
import type { MadeContext } from "./contexts.ts";
import {
  chainFault,
  chainFrom,
  EXPIRED,
  identityOf,
  NO_CERTIFICATE,
  nameFault,
  type PeerFault,
  parseNames,
  WRONG_KEY,
} from "./peer.ts";
import { verifyError } from "./upstream.ts";

/**
 * What is agreed on with clients, ours first: what Envoys and Trestles of the mesh offer, then HTTP's own. `istio-peer-exchange` is not
 * among them: who chose it would have to begin with a message of Istio's own.
 */
const ALPN = ["istio-http/1.1", "istio-http/1.0", "istio-h2", "istio", "h2", "http/1.1"];

/** ALPN protocols by which proxies of the mesh tell their TLS from an application's own. Source: pilot's filterchain_options.go. */
const MESH_ALPN = new Set(["istio-http/1.0", "istio-http/1.1", "istio-h2", "istio-peer-exchange", "istio"]);

/** Whether a client that offers these protocols is a proxy of the mesh. */
export function isOfMesh(alpn: readonly string[]): boolean {
  return alpn.some((protocol) => MESH_ALPN.has(protocol));
}

/** How the handshake of an accepted connection ended, or what is held against the peer. */
export type AcceptedPeer =
  | {
      readonly identity: Identity | undefined;
      readonly isResumed: boolean;
      /** What it proved it by, the leaf first; of a session that is taken up again the leaf alone; empty where nothing was asked. */
      readonly chain: readonly X509Certificate[];
    }
  | { readonly fault: PeerFault };

/** Node gives accepted connections no way to read as `onread` says; it does so for a socket that makes its handle itself. */
class AcceptingSocket extends TLSSocket {
  static given: object | undefined;

  /** Node's own, called once by its constructor: with `given` in place of the handle that it would make. */
  _wrapHandle(wrap: unknown, handle: unknown, ...rest: unknown[]): unknown {
    const given = AcceptingSocket.given;
    AcceptingSocket.given = undefined;
    return inherited._wrapHandle.call(this, wrap, handle ?? given, ...rest);
  }
}

const inherited = TLSSocket.prototype as unknown as { _wrapHandle(...args: unknown[]): unknown };

interface TlsHandle {
  receive(bytes: Buffer): void;
}

/**
 * Ends TLS on an accepted connection: its kernel's end is moved over, as by `adopt`, and `first`, which was read of it, is handed on.
 * `onHandshake` is called once the peer has proved who it is; nothing of what it sends is read before.
 */
export function acceptTls(
  accepted: Socket,
  first: Buffer,
  made: MadeContext,
  onread: OnReadOpts,
  onHandshake: (socket: TLSSocket) => void,
): TLSSocket {
  const options: TLSSocketOptions & { readonly onread: OnReadOpts } = {
    isServer: true,
    secureContext: made.secure,
    requestCert: made.asks,
    rejectUnauthorized: false,
    ALPNProtocols: ALPN,
    onread,
  };
  AcceptingSocket.given = takeHandle(accepted);
  const socket = new AcceptingSocket(undefined as unknown as Socket, options);
  // Node takes it for a socket that is yet to connect.
  (socket as { connecting: boolean }).connecting = false;
  socket.once("secure", () => onHandshake(socket));
  // Those who listen to the socket are there by then.
  process.nextTick(() => (socket as unknown as { _handle: TlsHandle | null })._handle?.receive(first));
  return socket;
}

/** Who the peer of a handshake is, or what is held against it; `wallMs` is ms since 1970. With `isOptional` it need not show a certificate. */
export function peerOf(socket: TLSSocket, made: MadeContext, wallMs: number, isOptional = false): AcceptedPeer {
  const isResumed = socket.isSessionReused();
  if (!made.asks) return { identity: undefined, isResumed, chain: [] };
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined)
    return isOptional ? { identity: undefined, isResumed, chain: [] } : { fault: NO_CERTIFICATE };
  // Taken whatever is wrong with it: so it proves nothing.
  if (!made.verifies) return { identity: undefined, isResumed, chain: [] };
  const error = verifyError(socket);
  if (error !== undefined) return { fault: chainFault(error) };
  // OpenSSL did not look at the time again where a session is taken up.
  if (Date.parse(certificate.validTo) <= wallMs) return { fault: EXPIRED };
  const names = parseNames(certificate.subjectAltName);
  if (made.names !== undefined && !made.names(names)) return { fault: nameFault(names) };
  if (made.pins !== undefined && !made.pins(certificate)) return { fault: WRONG_KEY };
  return { identity: identityOf(names), isResumed, chain: chainFrom(certificate) };
}
