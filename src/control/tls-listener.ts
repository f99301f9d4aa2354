import type { Socket } from "node:net";
import { createServer, type PeerCertificate, type SecureContextOptions, type TLSSocket } from "node:tls";
import { printAddress } from "../base/address.ts";
import { TransientError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";

/** What a TLS port shows and whom it trusts; all PEM. */
export interface TlsMaterial {
  /** Leaf first, then intermediates. */
  readonly chain: string;
  readonly key: string;
  /** Roots of client certificates. */
  readonly roots: string;
  readonly crl?: string;
}

/** A TLS port. */
export interface TlsListener {
  /** `host:port`, with the port that was given. */
  readonly address: string;
  /** Takes other certificates for connections from now on; those that stand stay. */
  update(material: TlsMaterial): void;
  /** Ends the connections whose client certificate is refused now. */
  recheck(): void;
  /** Ends the port and every connection. */
  close(): Promise<void>;
}

/** Where to listen and what takes the connections. */
export interface TlsListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly material: TlsMaterial;
  readonly logger: Logger;
  /** A connection after its handshake. Its `authorized` is true where it has a client certificate, which was checked; it may have none. */
  readonly onConnection: (socket: TLSSocket) => void;
  /** Whether a client certificate (DER) is refused beside what TLS checks. */
  readonly isRefused?: (certificate: Buffer) => boolean;
  readonly maxConnections?: number;
}

const HANDSHAKE_MS = 10_000;

/**
 * Listens for HTTP/2 over TLS. A client may come without a certificate; one whose certificate is expired, revoked, or of another root
 * is refused. Rejects with a `TransientError` where the address can't be had.
 */
export async function listenTls(options: TlsListenerOptions): Promise<TlsListener> {
  const { host, port, logger, maxConnections = 20_000 } = options;
  const sockets = new Set<Socket>();
  const shown = new Map<TLSSocket, Buffer>();
  const server = createServer({
    ...contextOf(options.material),
    ALPNProtocols: ["h2"],
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_MS,
  });
  server.maxConnections = maxConnections;
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("secureConnection", (socket) => {
    socket.on("error", () => socket.destroy());
    const { raw } = socket.getPeerCertificate() as Partial<PeerCertificate>;
    const isRefused = raw !== undefined && options.isRefused?.(raw) === true;
    if (isRefused || (raw !== undefined && !socket.authorized)) {
      const reason = isRefused ? "it is revoked" : String(socket.authorizationError);
      logger.warn("a client's certificate is refused", { address: socket.remoteAddress, reason });
      socket.destroy();
      return;
    }
    if (raw !== undefined) {
      shown.set(socket, raw);
      socket.on("close", () => shown.delete(socket));
    }
    options.onConnection(socket);
  });
  server.on("tlsClientError", (error, socket) => {
    logger.debug("a TLS handshake failed", { address: socket.remoteAddress, reason: error.message });
  });
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) =>
      reject(new TransientError(`cannot listen on ${host}:${port}: ${error.message}`, { cause: error }));
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      resolve();
    });
  });
  const bound = server.address() as { readonly port: number };
  return {
    address: printAddress(host, bound.port),
    recheck() {
      for (const [socket, raw] of shown) {
        if (options.isRefused?.(raw) !== true) continue;
        logger.warn("a client's certificate is revoked: its connection ends", { address: socket.remoteAddress });
        socket.destroy();
      }
    },
    update: (material) => server.setSecureContext(contextOf(material)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function contextOf({ chain, key, roots, crl }: TlsMaterial): SecureContextOptions {
  return { cert: chain, key, ca: roots, minVersion: "TLSv1.2", ...(crl !== undefined && { crl }) };
}
