import { mkdtemp, rename, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Eureka, startEureka } from "./eureka.ts";
import { rawInstance } from "./eureka-documents.ts";
import { hosts } from "./netns.ts";
import { startTrestle, type Trestle } from "./trestle.ts";

/** A real Eureka server with `trestle up` before it. */
export interface EurekaStage {
  readonly eureka: Eureka;
  readonly trestle: Trestle;
  /** The facade, as an application's `service-url` has it. */
  readonly inside: string;
  /** Replaces the one rule file. */
  rules(text: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts both; the registry is asked twice a second. */
export async function startEurekaStage(query = "interval=500ms"): Promise<EurekaStage> {
  const [eureka, folder] = await Promise.all([startEureka(), mkdtemp(join(tmpdir(), "trestle-rules-"))]);
  const trestle = await startTrestle({
    registry: `eureka://${hosts.registry}:8761/eureka?${query}`,
    facade: `eureka://${hosts.trestle}:8761`,
    rules: folder,
  });
  return {
    eureka,
    trestle,
    inside: `http://${hosts.trestle}:8761/eureka/`,
    async rules(text) {
      await writeFile(join(folder, "rules.yaml.new"), text);
      await rename(join(folder, "rules.yaml.new"), join(folder, "rules.yaml"));
    },
    async stop() {
      await trestle.stop();
      await eureka.stop();
    },
  };
}

/** An instance in this process that answers every request with its id, and says what it was asked. */
export interface FakeSpring {
  readonly id: string;
  /** `METHOD path` of each request, and how many connections they came on. */
  readonly asked: string[];
  readonly connections: () => number;
  /** Registers, or registers anew with another status. */
  register(status?: string): Promise<void>;
  /** Cancels at the server. */
  cancel(): Promise<void>;
  stop(): Promise<void>;
}

/** Serves, and registers at `base` (`http://[user:password@]host:port/eureka`) as `app` with this metadata; its lease is long. */
export async function startFakeSpring(
  base: string,
  app: string,
  host: string,
  metadata: Readonly<Record<string, string>>,
): Promise<FakeSpring> {
  const asked: string[] = [];
  let connections = 0;
  const server = createServer((request: IncomingMessage, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume();
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ id, host: request.headers.host, path: request.url, method: request.method }));
  });
  server.on("connection", () => connections++);
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  const id = `${host}:${app}:${port}`;
  const instance = rawInstance({
    ...{ app, host, port },
    raw: { metadata, leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 600 } },
  });
  const { username, password, origin, pathname } = new URL(base);
  const login =
    username === "" ? {} : { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` };
  const send = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${origin}${pathname}${path}`, {
      ...{ method, headers: { "content-type": "application/json", ...login } },
      body: body === undefined ? null : JSON.stringify(body),
    });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  };
  return {
    id,
    asked,
    connections: () => connections,
    register: (status = "UP") =>
      send("POST", `/apps/${app.toUpperCase()}`, {
        instance: { ...instance, status, lastDirtyTimestamp: `${Date.now()}` },
      }),
    cancel: () => send("DELETE", `/apps/${app.toUpperCase()}/${id}`),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
