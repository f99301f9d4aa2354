/** The xDS server with many clients: how long a change takes until all have it, what it costs, and what it depends on. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { peakMemoryMb, sleep } from "../support/process.ts";
import {
  concerned,
  SCOPE,
  type XdsClientsReport,
  type XdsClientsRequest,
  type XdsCompileResult,
  type XdsKind,
  type XdsResult,
  type XdsServerReport,
  type XdsServerRequest,
  type XdsStorm,
  type XdsStormResult,
} from "./xds-numbers.ts";

const folder = dirname(fileURLToPath(import.meta.url));
/** As for the proxies: the server has a core for itself. */
const SERVER_CORE = "1";
const CLIENTS_CORE = "0";
const DEADLINE_MS = 180_000;

type Report = XdsServerReport | XdsClientsReport;

class Child {
  readonly process: ChildProcess;
  readonly #reports: Report[] = [];

  constructor(core: string, file: string, args: readonly string[]) {
    const node = [process.execPath, "--expose-gc", "--max-old-space-size=3000", "--import", "tsx", join(folder, file)];
    this.process = spawn("taskset", ["-c", core, ...node, ...args], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.process.on("message", (report: Report) => this.#reports.push(report));
  }

  send(request: XdsServerRequest | XdsClientsRequest): void {
    this.process.send(request);
  }

  async take<T extends Report["type"]>(type: T): Promise<Extract<Report, { type: T }>> {
    for (let waited = 0; waited < DEADLINE_MS; waited += 5) {
      const at = this.#reports.findIndex((one) => one.type === type);
      if (at >= 0) return this.#reports.splice(at, 1)[0] as Extract<Report, { type: T }>;
      if (this.process.exitCode !== null)
        throw new Error(`a process of the xds bench ended with ${this.process.exitCode}`);
      await sleep(5);
    }
    throw new Error(`no ${type} within ${DEADLINE_MS} ms`);
  }

  ask<T extends Report["type"]>(
    request: XdsServerRequest | XdsClientsRequest,
    type: T,
  ): Promise<Extract<Report, { type: T }>> {
    this.send(request);
    return this.take(type);
  }

  async end(): Promise<void> {
    if (this.process.exitCode !== null) return;
    this.process.kill("SIGKILL");
    await once(this.process, "exit");
  }
}

/** Measures one size of the world. */
export async function measureXds(
  kind: XdsKind,
  services: number,
  clients: number,
  changes: number,
): Promise<XdsResult> {
  const server = new Child(SERVER_CORE, "xds-server.ts", [`${services}`, kind, `${clients}`]);
  let load: Child | undefined;
  try {
    const { address } = await server.take("listening");
    const startMs = Date.now();
    load = new Child(CLIENTS_CORE, "xds-clients.ts", [address, `${clients}`]);
    await load.take("connected");
    const counts = () => load!.ask({ type: "counts" }, "counts");
    // Each client has five types, of which those with more than 1,000 resources come in parts.
    const parts = 3 * Math.max(1, Math.ceil((kind === "scopes" ? SCOPE : services) / 1_000)) + 2;
    await untilAnswers(counts, parts * clients);
    const connectMs = Math.max(...(await counts()).lastMs) - startMs;
    await sleep(2_000);
    const answerMs: number[] = [];
    const before = await server.ask({ type: "usage" }, "usage");
    // What the server says of its clients, and they of themselves, is the same.
    if (before.synced !== clients || before.clients !== clients)
      throw new Error(`the server has ${before.clients} clients, ${before.synced} of them synced, and not ${clients}`);
    const clientsBefore = (await counts()).cpuMs;
    let bytes = 0;
    for (let i = 0; i < changes; i++) {
      load.send({ type: "reset" });
      const changedMs = Date.now();
      server.send({ type: kind === "rule" ? "rule" : "change", service: (i * 37) % services });
      await untilAnswers(counts, concerned(kind, services, clients));
      const { lastMs, bytes: sent, resources } = await counts();
      if (resources !== concerned(kind, services, clients))
        throw new Error(`a change of one resource sent ${resources} to ${concerned(kind, services, clients)} clients`);
      answerMs.push(...lastMs.filter((ms) => ms >= changedMs).map((ms) => ms - changedMs));
      bytes += sent;
      await sleep(500);
    }
    const after = await server.ask({ type: "usage" }, "usage");
    if (after.synced !== clients) throw new Error(`${after.synced} of ${clients} clients are synced at the end`);
    return {
      kind,
      services,
      clients,
      answerMs,
      bytesPerChange: bytes / changes / concerned(kind, services, clients),
      cpuMsPerChange: (after.cpuMs - before.settledCpuMs) / changes,
      clientsCpuMsPerChange: ((await counts()).cpuMs - clientsBefore) / changes,
      rssBytes: after.rssBytes,
      connectMs,
    };
  } finally {
    await Promise.all([load?.end(), server.end()]);
  }
}

/** Measures how long it takes until all clients have everything again, after all of them lost their connections at once. */
export async function measureXdsStorm(storm: XdsStorm, services: number, clients: number): Promise<XdsStormResult> {
  const address = `127.0.0.1:${await freePort()}`;
  const start = async () => {
    const started = new Child(SERVER_CORE, "xds-server.ts", [`${services}`, "provider", "0", address]);
    await started.take("listening");
    return started;
  };
  let server = await start();
  let load: Child | undefined;
  try {
    load = new Child(CLIENTS_CORE, "xds-clients.ts", [address, `${clients}`]);
    await load.take("connected");
    const counts = () => load!.ask({ type: "counts" }, "counts");
    const answers = (3 * Math.max(1, Math.ceil(services / 1_000)) + 2) * clients;
    await untilAnswers(counts, answers);
    await sleep(2_000);
    const { versions } = await server.ask({ type: "versions" }, "versions");
    load.send({ type: "keep", versions });
    load.send({ type: "reset" });
    let before = await server.ask({ type: "usage" }, "usage");
    if (storm === "restart") {
      await server.end();
      server = await start();
      before = await server.ask({ type: "usage" }, "usage");
    }
    const startMs = Date.now();
    if (storm === "connections") load.send({ type: "storm" });
    // One response for each of the five types, whether there is anything in it or not.
    await untilAnswers(counts, 5 * clients);
    const { lastMs, attempts, bytes, resources } = await counts();
    await sleep(1_000);
    const after = await server.ask({ type: "usage" }, "usage");
    if (after.synced !== clients || after.clients !== clients)
      throw new Error(`the server has ${after.clients} clients, ${after.synced} of them synced, and not ${clients}`);
    return {
      storm,
      services,
      clients,
      againMs: lastMs.map((ms) => ms - startMs),
      attempts,
      resourcesPerClient: resources / clients,
      bytesPerClient: bytes / clients,
      cpuMs: after.cpuMs - before.settledCpuMs,
      rssBytes: after.rssBytes,
      peakBytes: peakMemoryMb(server.process.pid!) * 1024 * 1024,
    };
  } finally {
    await Promise.all([load?.end(), server.end()]);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Measures a compile from empty. */
export async function measureXdsCompile(services: number): Promise<XdsCompileResult> {
  const server = new Child(SERVER_CORE, "xds-server.ts", ["1"]);
  try {
    await server.take("listening");
    const { compileMs, encodeMs, bytes } = await server.ask({ type: "compile", services }, "compiled");
    return { services, compileMs, encodeMs, bytes };
  } finally {
    await server.end();
  }
}

async function untilAnswers(counts: () => Promise<{ readonly answers: number }>, wanted: number): Promise<void> {
  const untilMs = Date.now() + DEADLINE_MS;
  for (;;) {
    const { answers } = await counts();
    if (answers >= wanted) return;
    if (Date.now() > untilMs) throw new Error(`${answers} of ${wanted} answers within ${DEADLINE_MS} ms`);
    await sleep(100);
  }
}
