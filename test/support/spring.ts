import { join } from "node:path";
import { builtPeer } from "./maven.ts";
import { type Peer, probeText, startProcess } from "./process.ts";

/** Flags of `shop.Main` (fixtures/peers/spring). */
export interface SpringOptions {
  readonly host: string;
  readonly port?: number;
  /** What orders' `servedBy` says. */
  readonly label?: string;
  /** Whom its clients call, as `http://host:port`. */
  readonly target?: string;
  /** It speaks HTTPS alone, with these PEM files. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** What one of Spring's clients got: the value, or an error's status and body. */
export interface SpringAnswer {
  readonly value?: unknown;
  readonly status?: number;
  readonly error?: string;
}

/** A running Spring Boot application: a REST service, and a caller of `com.acme.OrderService`. */
export interface SpringPeer {
  readonly peer: Peer;
  /** `host:port` */
  readonly address: string;
  /** How many callers of `GET /slow` went before they were answered, as it saw it within 200 ms. */
  cancelled(): Promise<number>;
  /** Has `client` call the target. */
  call(client: "feign" | "template" | "client", method: string, args: readonly unknown[]): Promise<SpringAnswer>;
}

/** Starts the application and waits until it serves; one JVM is both the provider and the caller. */
export async function startSpring(options: SpringOptions): Promise<SpringPeer> {
  const { host, port = 8080, label = "spring", target = "http://127.0.0.1:1", tls } = options;
  const dir = builtPeer("spring");
  const peer = await startProcess({
    name: `spring ${label}`,
    command: "java",
    args: [
      "-Xmx192m",
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      "-Xshare:auto",
      "-Djava.net.preferIPv4Stack=true",
      "-cp",
      `${join(dir, "target/classes")}:${join(dir, "target/dep/*")}`,
      "shop.Main",
      `--server.address=${host}`,
      `--server.port=${port}`,
      `--peer.label=${label}`,
      `--peer.target=${target}`,
      "--spring.main.banner-mode=off",
      "--spring.jmx.enabled=false",
      "--server.error.include-message=always",
      "--logging.level.root=warn",
      ...(tls === undefined
        ? []
        : [`--server.ssl.certificate=file:${tls.certificate}`, `--server.ssl.certificate-private-key=file:${tls.key}`]),
    ],
    // One that speaks HTTPS alone says so to whom it does not know.
    ready: async () =>
      (await probeText(host, port, READY_REQUEST)).includes(tls === undefined ? "READY" : "requires TLS"),
  });
  const address = `${host}:${port}`;
  return {
    peer,
    address,
    cancelled: async () => Number(await (await fetch(`http://${address}/notes/slow-cancelled`)).text()),
    async call(client, method, args) {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`http://${address}/call/${client}/${method}`, {
        method: "POST",
        headers,
        body: JSON.stringify(args),
      });
      return (await answer.json()) as SpringAnswer;
    },
  };
}

const READY_REQUEST = "GET /ready HTTP/1.1\r\nhost: spring\r\nconnection: close\r\n\r\n";
