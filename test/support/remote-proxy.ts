import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Peer, startProcess } from "./process.ts";

const cli = join(dirname(fileURLToPath(import.meta.url)), "../../dist/cli.js");

/** A running `trestle proxy`. */
export interface RemoteProxy {
  readonly peer: Peer;
  /** host:port of the admin API. */
  readonly admin: string;
  /** Status and body of an admin answer; status 0 when nobody answers within 5 s. */
  get(path: string): Promise<{ readonly status: number; readonly body: string }>;
  stop(): Promise<void>;
}

/** What a `trestle proxy` is started with. */
export interface RemoteProxyOptions {
  readonly host: string;
  /** host:port of control servers. */
  readonly controls: readonly string[];
  readonly data?: string;
  /** Where it takes requests by their Host; nowhere unless told. */
  readonly httpPort?: number;
  /** A configuration file beside the flags. */
  readonly config?: string;
  /** What /ready must answer for it to have started; 200 unless told. */
  readonly readyStatus?: number;
}

/** Starts `dist/cli.js proxy` and waits until /ready answers as asked. */
export async function startRemoteProxy(options: RemoteProxyOptions): Promise<RemoteProxy> {
  const { host, controls, data, httpPort, config, readyStatus = 200 } = options;
  const admin = `${host}:15000`;
  const args = [cli, "proxy", "--proxy-host", host, "--admin", admin];
  for (const control of controls) args.push("--control", control);
  if (data !== undefined) args.push("--data", data);
  if (httpPort !== undefined) args.push("--http-port", String(httpPort));
  if (config !== undefined) args.push("--config", config);
  const get = async (path: string): Promise<{ status: number; body: string }> => {
    try {
      const answer = await fetch(`http://${admin}${path}`, { signal: AbortSignal.timeout(5_000) });
      return { status: answer.status, body: await answer.text() };
    } catch {
      return { status: 0, body: "" };
    }
  };
  let ready = { status: 0, body: "" };
  const peer = await startProcess({
    name: "trestle proxy",
    command: process.execPath,
    args,
    ready: async () => {
      ready = await get("/ready");
      return ready.status === readyStatus;
    },
    deadlineMs: 20_000,
    describe: () => `/ready answered ${ready.status}: ${ready.body}`,
  });
  return { peer, admin, get, stop: async () => void (await peer.stop(10_000)) };
}
