import { generateKeyPairSync } from "node:crypto";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { ClientRequest } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { builtKubeApiserver } from "./go-peers.ts";
import { hosts } from "./netns.ts";
import { type Peer, probeText, startProcess } from "./process.ts";

/** One line of a watch. */
export interface WatchEvent {
  readonly type: string;
  readonly object: Readonly<Record<string, unknown>>;
}

export interface KubernetesAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A real API server of Kubernetes 1.36.3 on an etcd of its own: no controllers, no nodes. Roles say who may do what; our token may do everything. */
export interface Kubernetes {
  /** https://host:port */
  readonly url: string;
  /** Its certificate, which is its own authority, as a file in PEM. */
  readonly caFile: string;
  readonly token: string;
  /** A file as kubectl has it. */
  readonly kubeconfig: string;
  readonly peer: Peer;
  /** Makes the objects of a file of YAML documents, which name their namespaces; namespaces are made where they are missing. */
  apply(text: string): Promise<void>;
  /** A kubeconfig of a service account, which may do what its roles let it. */
  accountConfig(namespace: string, name: string): Promise<string>;
  /** A request of its interface, JSON both ways; a merge patch where the method is PATCH. */
  ask(method: string, path: string, body?: unknown): Promise<KubernetesAnswer>;
  /** As `ask`, but throws unless it was done. */
  must(method: string, path: string, body?: unknown): Promise<Readonly<Record<string, unknown>>>;
  /** Collects the events of a list's path until it is closed. */
  watch(path: string): { readonly events: WatchEvent[]; close(): void };
  /** SIGKILL to the API server; etcd goes on. */
  kill(): Promise<void>;
  /** Keeps what is stored now; to be called while the server is killed. */
  save(): Promise<void>;
  /** Kills the server and etcd and starts both on what was kept, as after a restored backup. */
  restoreSaved(): Promise<void>;
  /** Starts it again on the same etcd. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const TOKEN = "trestle-peer";

/** Starts etcd, then the API server, and waits until it is ready. */
export async function startKubernetes(host: string = hosts.registry, port = 6_443): Promise<Kubernetes> {
  const dir = await mkdtemp(join(tmpdir(), "trestle-k8s-"));
  const caFile = join(dir, "apiserver.crt");
  const url = `https://${host}:${port}`;
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2_048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  await writeFile(join(dir, "accounts.key"), privateKey);
  await writeFile(join(dir, "accounts.pub"), publicKey);
  await writeFile(join(dir, "tokens.csv"), `${TOKEN},admin,admin,"system:masters"\n`);
  await writeFile(join(dir, "kubeconfig"), kubeconfig(url, caFile));
  let etcd = await startEtcd(host, join(dir, "etcd"));
  let ca: Buffer | undefined;
  const open = async (method: string, path: string): Promise<ClientRequest> => {
    ca ??= await readFile(caFile);
    const headers: Record<string, string> = { authorization: `Bearer ${TOKEN}`, accept: "application/json" };
    if (method !== "GET") {
      headers["content-type"] = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    }
    return request(url + path, { method, headers, ca, agent: false });
  };
  const ask: Kubernetes["ask"] = async (method, path, body) => {
    const text = await talk(await open(method, path), body);
    return { status: text.status, body: text.body.startsWith("{") ? JSON.parse(text.body) : { text: text.body } };
  };
  const must: Kubernetes["must"] = async (method, path, body) => {
    const answer = await ask(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const ready = async (): Promise<boolean> => {
    try {
      return (await talk(await open("GET", "/readyz"))).body === "ok";
    } catch {
      return false;
    }
  };
  const start = (): Promise<Peer> =>
    startProcess({
      name: "kube-apiserver",
      command: builtKubeApiserver(),
      args: serverArgs(host, port, dir),
      ready,
      deadlineMs: 90_000,
    });
  let peer = await start();
  return {
    url,
    caFile,
    token: TOKEN,
    kubeconfig: join(dir, "kubeconfig"),
    get peer() {
      return peer;
    },
    ask,
    must,
    async apply(text) {
      for (const document of parseAllDocuments(text)) {
        const object = document.toJS() as { apiVersion: string; kind: string; metadata: { namespace?: string } } | null;
        if (object === null) continue;
        const { apiVersion, kind, metadata } = object;
        const { namespace } = metadata;
        if (namespace !== undefined) await ask("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
        const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
        const { resources } = (await must("GET", base)) as { resources: { name: string; kind: string }[] };
        const plural = resources.find((one) => one.kind === kind && !one.name.includes("/"))?.name;
        const within = namespace === undefined ? "" : `/namespaces/${namespace}`;
        await must("POST", `${base}${within}/${plural}`, object);
      }
    },
    async accountConfig(namespace, name) {
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
      const { status } = (await must("POST", path, { spec: {} })) as { status: { token: string } };
      const file = join(dir, `${namespace}-${name}.kubeconfig`);
      await writeFile(file, kubeconfig(url, caFile, status.token));
      return file;
    },
    watch(path) {
      const events: WatchEvent[] = [];
      let watching: ClientRequest | undefined;
      let closed = false;
      void open("GET", `${path}${path.includes("?") ? "&" : "?"}watch=true`).then((opened) => {
        watching = opened;
        if (closed) return opened.destroy();
        let rest = "";
        opened.on("error", () => {});
        opened.on("response", (answer) => {
          answer.setEncoding("utf8").on("data", (chunk: string) => {
            const lines = (rest + chunk).split("\n");
            rest = lines.pop() ?? "";
            for (const line of lines) events.push(JSON.parse(line) as WatchEvent);
          });
        });
        return opened.end();
      });
      return {
        events,
        close() {
          closed = true;
          watching?.destroy();
        },
      };
    },
    async kill() {
      await peer.kill();
    },
    save: () => cp(join(dir, "etcd"), join(dir, "saved"), { recursive: true }),
    async restoreSaved() {
      await peer.kill();
      await etcd.kill();
      await rm(join(dir, "etcd"), { recursive: true });
      await cp(join(dir, "saved"), join(dir, "etcd"), { recursive: true });
      etcd = await startEtcd(host, join(dir, "etcd"));
      peer = await start();
    },
    async restart() {
      await peer.kill();
      peer = await start();
    },
    async stop() {
      // The server first: told to end together, it would wait for etcd.
      await peer.kill();
      await etcd.kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function startEtcd(host: string, dir: string): Promise<Peer> {
  const [client, peer] = [`http://${host}:2379`, `http://${host}:2380`];
  return startProcess({
    name: "etcd",
    command: "etcd",
    args: [
      `--data-dir=${dir}`,
      ...[`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`],
      ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, `--initial-cluster=default=${peer}`],
    ],
    ready: async () => (await probeText(host, 2_379, HEALTH)).includes('"true"'),
    deadlineMs: 30_000,
  });
}

const HEALTH = "GET /health HTTP/1.1\r\nhost: etcd\r\nconnection: close\r\n\r\n";

function serverArgs(host: string, port: number, dir: string): string[] {
  const flags = {
    "etcd-servers": `http://${host}:2379`,
    "bind-address": host,
    // Without a default route it does not find one by itself.
    "advertise-address": host,
    "secure-port": port,
    // It makes a certificate there.
    "cert-dir": dir,
    "token-auth-file": join(dir, "tokens.csv"),
    "authorization-mode": "RBAC",
    "service-account-issuer": "https://trestle.test",
    "service-account-key-file": join(dir, "accounts.pub"),
    "service-account-signing-key-file": join(dir, "accounts.key"),
    "service-cluster-ip-range": "10.96.0.0/16",
    "disable-admission-plugins": "ServiceAccount",
  };
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
}

function kubeconfig(server: string, caFile: string, token = TOKEN): string {
  const text = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "peer", cluster: { server, "certificate-authority": caFile } }],
    users: [{ name: "admin", user: { token } }],
    contexts: [{ name: "peer", context: { cluster: "peer", user: "admin" } }],
    "current-context": "peer",
  };
  return JSON.stringify(text);
}

function talk(sent: ClientRequest, body?: unknown): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    sent.setTimeout(10_000, () => sent.destroy(new Error("no answer in 10 s")));
    sent.on("error", reject);
    sent.on("response", (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: text }));
      answer.on("error", reject);
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
