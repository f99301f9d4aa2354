import { access, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openZooKeeper, registerUrl } from "../../src/cli/dubbo/registry.ts";
import { parseDubboUrl } from "../../src/registry-sync/dubbo/url.ts";
import { startEureka } from "../support/eureka.ts";
import { rawInstance } from "../support/eureka-documents.ts";
import { eventually, type Peer, startProcess } from "../support/process.ts";
import { BENCH_HTTP_ROUTES, BENCH_RULES, benchHttpRules } from "./peers-config.ts";

const HOST = "127.0.0.1";

/** A whole mesh as users run it. */
export interface RunningTrestle {
  readonly port: number;
  readonly parent: Peer;
  /** The process that carries the calls. */
  readonly workerPid: number;
  /** Takes the provider from the registry; ends no process. */
  close(): Promise<void>;
}

interface Status {
  readonly ready: boolean;
  readonly resources: string;
  readonly endpoints: number;
  readonly rules: number;
  readonly workers: readonly { readonly pid: number; readonly state: string; readonly resourcesVersion: string }[];
}

/**
 * Starts `trestle up` with one worker, its embedded registry and a rule that routes by method, lists the provider, which has the
 * version that `callers` name, through the facade as a Dubbo provider would, and waits until the worker has all of it. `launch` turns a command into
 * one on the right core.
 */
export async function startTrestleUp(
  directory: string,
  echoPort: number,
  { callers, providers }: { readonly callers: "dubbo" | "tri"; readonly providers: "dubbo" | "tri" },
  ports: { readonly facade: number; readonly proxy: number; readonly tri: number; readonly admin: number },
  launch: (command: string, args: readonly string[]) => { command: string; args: string[] },
  policies = "",
): Promise<RunningTrestle> {
  const { parent, facade, admin } = await startParent(directory, BENCH_RULES + policies, ports, launch);
  const client = openZooKeeper(facade);
  const version = callers === "dubbo" ? "&version=1.0.0" : "";
  const reading = parseDubboUrl(
    `${providers}://${HOST}:${echoPort}/o.Orders?application=bench&dubbo=2.0.2&interface=o.Orders&lane=blue&methods=addOrder,getOrder&side=provider${version}`,
  );
  if (reading.type !== "url") throw new Error("the bench's own provider URL is none");
  await registerUrl(client, "providers", reading.url);
  const worker = await servingWorker(admin, (BENCH_RULES + policies).split(/^---$/m).length);
  return {
    port: callers === "dubbo" ? ports.proxy : ports.tri,
    parent,
    workerPid: worker.pid,
    close: () => client.close(),
  };
}

/** The same for an HTTP/1.1 provider, which is listed by a ServiceEntry among the rules. */
export async function startTrestleHttp(
  directory: string,
  echoPort: number,
  ports: { readonly facade: number; readonly proxy: number; readonly tri: number; readonly admin: number },
  launch: (command: string, args: readonly string[]) => { command: string; args: string[] },
): Promise<RunningTrestle> {
  const { parent, admin } = await startParent(directory, benchHttpRules(echoPort), ports, launch);
  const worker = await servingWorker(admin, 3);
  const answer = await fetch(`http://${admin}/api/v1/services`);
  const { services } = (await answer.json()) as { services: readonly { readonly http: string }[] };
  const port = Number(services[0]!.http.split(":")[1]);
  return { port, parent, workerPid: worker.pid, close: async () => {} };
}

/** The same for one that a real Eureka server lists: the port is the one that the facade shows in the provider's place. */
export async function startTrestleEureka(
  directory: string,
  echoPort: number,
  ports: {
    readonly registry: number;
    readonly facade: number;
    readonly proxy: number;
    readonly tri: number;
    readonly admin: number;
  },
  launch: (command: string, args: readonly string[]) => { command: string; args: string[] },
): Promise<RunningTrestle> {
  const eureka = await startEureka({ host: HOST, port: ports.registry });
  const raw = { metadata: { lane: "blue" }, leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 3_600 } };
  const instance = rawInstance({ app: "orders", host: HOST, port: echoPort, raw });
  const registered = await eureka.ask("POST", "/apps/ORDERS", { instance });
  if (registered.status >= 300) throw new Error(`eureka answered ${registered.status}: ${registered.body}`);
  const facade = `eureka://${HOST}:${ports.facade}`;
  const { parent, admin } = await startParent(directory, BENCH_HTTP_ROUTES, ports, launch, [
    ...["--registry", `eureka://${HOST}:${ports.registry}/eureka?interval=1s`, "--facade", facade],
  ]);
  const worker = await servingWorker(admin, 2);
  const port = await eventually("the facade shows the service at the proxy", async () => {
    const answer = await fetch(`http://${HOST}:${ports.facade}/eureka/apps/ORDERS`, {
      headers: { accept: "application/json" },
    });
    if (answer.status !== 200) return undefined;
    const { application } = (await answer.json()) as { application: { instance: { port: { $: number } }[] } };
    const shown = application.instance[0]!.port.$;
    return shown === echoPort ? undefined : shown;
  });
  return { port, parent, workerPid: worker.pid, close: () => eureka.stop() };
}

function servingWorker(admin: string, rules: number): Promise<Status["workers"][number]> {
  return eventually(
    "the worker has the rule and the provider",
    async () => {
      const status = await statusOf(admin);
      if (status === undefined || !status.ready || status.endpoints !== 1 || status.rules !== rules) return undefined;
      return status.workers.find(
        ({ state, resourcesVersion }) => state === "serving" && resourcesVersion === status.resources,
      );
    },
    30_000,
  );
}

async function startParent(
  directory: string,
  text: string,
  ports: { readonly facade: number; readonly proxy: number; readonly tri: number; readonly admin: number },
  launch: (command: string, args: readonly string[]) => { command: string; args: string[] },
  registry?: readonly string[],
): Promise<{ readonly parent: Peer; readonly facade: string; readonly admin: string }> {
  const program = join(dirname(fileURLToPath(import.meta.url)), "../../dist/cli.js");
  await access(program).catch(() => {
    throw new Error("dist/cli.js is missing: make build");
  });
  const rules = join(directory, "rules");
  await mkdir(rules);
  await writeFile(join(rules, "orders.yaml"), text);
  const facade = `zookeeper://${HOST}:${ports.facade}`;
  const admin = `${HOST}:${ports.admin}`;
  const parent = await startProcess({
    name: "trestle up",
    ...launch(process.execPath, [
      program,
      "up",
      ...(registry ?? ["--facade", facade]),
      ...["--proxy-host", HOST, "--proxy-port", String(ports.proxy)],
      ...["--tri-port", String(ports.tri)],
      ...["--rules", rules, "--admin", admin, "--log-level", "warn"],
    ]),
    ready: async () => (await statusOf(admin)) !== undefined,
    deadlineMs: 15_000,
  });
  return { parent, facade, admin };
}

async function statusOf(admin: string): Promise<Status | undefined> {
  try {
    const response = await fetch(`http://${admin}/api/v1/status`, { signal: AbortSignal.timeout(1_000) });
    return response.ok ? ((await response.json()) as Status) : undefined;
  } catch {
    return undefined;
  }
}
