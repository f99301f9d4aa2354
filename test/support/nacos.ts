import { mkdtempSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtPeer } from "./maven.ts";
import { hosts } from "./netns.ts";
import { type Peer, startProcess } from "./process.ts";

/** A real Nacos 2.3.2, standalone, without authentication. It takes the ports 8848, 9848, 9849 and 7848 of all addresses. */
export interface Nacos {
  /** As a provider's metadata centre has it: nacos://host:port */
  readonly address: string;
  /** A configuration's text; undefined where there is none. */
  text(dataId: string, group: string): Promise<string | undefined>;
  publish(dataId: string, group: string, text: string): Promise<void>;
  /** SIGKILL; its data stay. */
  kill(): Promise<void>;
  /** Starts it again on the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const PORT = 8_848;
const opened = ["lang", "math", "util", "util.concurrent", "io", "time", "lang.reflect", "lang.invoke"];

/** The jars that Dubbo's parts for Nacos ask for, as a class path has them. */
export function nacosJars(): string {
  return `${builtPeer("nacos")}/client/target/dep/*`;
}

/** Starts a server and waits until it serves. */
export async function startNacos(host: string = hosts.relay): Promise<Nacos> {
  const home = mkdtempSync(join(tmpdir(), "trestle-nacos-"));
  const base = `http://${host}:${PORT}/nacos/v1`;
  const start = (): Promise<Peer> =>
    startProcess({
      name: "nacos",
      command: "java",
      args: serverArgs(host, home),
      ready: async () => (await ask(`${base}/ns/operator/metrics`)).body.includes("UP"),
      deadlineMs: 90_000,
    });
  let peer = await start();
  return {
    address: `nacos://${host}:${PORT}`,
    async text(dataId, group) {
      const { status, body } = await ask(`${base}/cs/configs?${new URLSearchParams({ dataId, group })}`);
      return status === 200 ? body : undefined;
    },
    async publish(dataId, group, content) {
      const body = new URLSearchParams({ dataId, group, content });
      const answer = await ask(`${base}/cs/configs`, { method: "POST", body });
      if (answer.status !== 200) throw new Error(`nacos answered ${answer.status} to a configuration: ${answer.body}`);
    },
    async kill() {
      await peer.kill();
    },
    async restart() {
      await peer.kill();
      peer = await start();
    },
    async stop() {
      await peer.kill();
      await rm(home, { recursive: true, force: true });
    },
  };
}

function serverArgs(host: string, home: string): string[] {
  const dir = join(builtPeer("nacos"), "server/target");
  // Two jars hold com.caucho.hessian; this one's must be found first.
  const first = readdirSync(join(dir, "dep")).find((name) => name.startsWith("hessian-4"));
  const settings = {
    "server.port": PORT,
    "server.tomcat.basedir": home,
    "server.servlet.contextPath": "/nacos",
    "nacos.core.auth.system.type": "nacos",
    "nacos.core.auth.enabled": false,
    "management.metrics.export.elastic.enabled": false,
    "management.metrics.export.influx.enabled": false,
  };
  return [
    ...["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"],
    ...opened.map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`),
    ...["-Dnacos.standalone=true", `-Dnacos.home=${home}`, `-Duser.home=${home}`],
    ...[`-Dderby.stream.error.file=${home}/derby.log`, `-Dnacos.server.ip=${host}`, `-Dserver.port=${PORT}`],
    ...["-cp", `${dir}/classes:${dir}/dep/${first}:${dir}/dep/*`, "com.alibaba.nacos.NacosPeer"],
    ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`),
  ];
}

async function ask(url: string, init: RequestInit = {}): Promise<{ status: number; body: string }> {
  try {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(2_000) });
    return { status: answer.status, body: await answer.text() };
  } catch {
    return { status: 0, body: "" };
  }
}
