import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { builtGoTool } from "./go-peers.ts";
import { freePorts } from "./ports.ts";
import { type Peer, startProcess } from "./process.ts";

const run = promisify(execFile);

/** Envoy's own rate limit service, with a Redis of its own. */
export interface RateLimitService {
  /** Where it speaks gRPC, on 127.0.0.1. */
  readonly port: number;
  /** How often it was asked for a descriptor, such as `orders_what_whoAmI_level_gold`, by what its Redis holds. */
  asked(descriptor: string): Promise<number>;
  /** Ends its Redis at once: it then answers with errors. */
  killRedis(): Promise<unknown>;
  close(): Promise<void>;
}

/** Starts one with the text of its configuration; it tells the limits in headers `ratelimit-*` of each answer. */
export async function startRateLimitService(config: string): Promise<RateLimitService> {
  const [port, httpPort, debugPort, redisPort] = (await freePorts(4)) as [number, number, number, number];
  const folder = await mkdtemp(join(tmpdir(), "trestle-ratelimit-"));
  await mkdir(join(folder, "ratelimit", "config"), { recursive: true });
  await writeFile(join(folder, "ratelimit", "config", "limits.yaml"), config);
  const redis: Peer = await startProcess({
    name: "redis",
    command: "redis-server",
    args: ["--port", `${redisPort}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder],
    ready: (peer) => peer.log().includes("Ready to accept connections"),
  });
  const service = await startProcess({
    name: "ratelimit",
    command: builtGoTool("ratelimit"),
    args: [],
    env: {
      ...{ HOST: "127.0.0.1", GRPC_HOST: "127.0.0.1", DEBUG_HOST: "127.0.0.1" },
      ...{ PORT: `${httpPort}`, GRPC_PORT: `${port}`, DEBUG_PORT: `${debugPort}` },
      ...{ REDIS_SOCKET_TYPE: "tcp", REDIS_URL: `127.0.0.1:${redisPort}`, USE_STATSD: "false" },
      ...{ RUNTIME_ROOT: folder, RUNTIME_SUBDIRECTORY: "ratelimit", RUNTIME_WATCH_ROOT: "false" },
      ...{ LIMIT_RESPONSE_HEADERS_ENABLED: "true" },
    },
    ready: () => isHealthy(`http://127.0.0.1:${httpPort}/healthcheck`),
  });
  return {
    port,
    async asked(descriptor) {
      const ask = async (...words: string[]) =>
        (await run("redis-cli", ["-p", `${redisPort}`, "--raw", ...words])).stdout.trim();
      const key = await ask("keys", `${descriptor}_*`);
      return key === "" ? 0 : Number(await ask("get", key));
    },
    killRedis: () => redis.kill(),
    async close() {
      await Promise.all([service.stop(3_000), redis.stop(3_000)]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function isHealthy(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    async (answer) => (await answer.text()) === "OK",
    () => false,
  );
}
