import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SECRET_TYPE } from "../../src/codecs/xds/resources.ts";
import type { RuleView } from "../../src/control/admin/views.ts";
import type { Finding } from "../../src/model/entry.ts";
import { createTestLeaf, createTestRoot } from "../support/certificates.ts";
import { builtCrds } from "../support/go-peers.ts";
import { type Kubernetes, startKubernetes } from "../support/kubernetes.ts";
import { startAuthority } from "../support/mtls-ups.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, sleep, startProcess, stopAll } from "../support/process.ts";
import { runTrestle, startTrestle, type Trestle } from "../support/trestle.ts";
import { methodPath, XdsStream } from "../support/xds-grpc.ts";
import { NODE } from "../support/xds-playbook.ts";

// Rules that are objects of a real API server, read by `trestle up` as a service account with the role of deploy/kubernetes and no other.
const VIRTUAL_SERVICES = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices";
const GRPC_ROUTES = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/grpcroutes";
const HTTP_ROUTES = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes";
const GATEWAYS = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways";
const META_ROUTERS = "/apis/metaprotocol.aeraki.io/v1alpha1/namespaces/shop/metarouters";
const GUARDS = "/apis/trestle.io/v1alpha1/namespaces/shop/serializationguards";
const HOST = "com.acme.orderservice";
const AUTHORITY = `${hosts.trestle}:15012`;
const SECOND_ADMIN = `${hosts.relay}:15000`;

let kubernetes: Kubernetes;
let trestle: Trestle;
let dir: string;
let url: string;
let authority: Awaited<ReturnType<typeof startAuthority>>;

const virtualService = (timeout: string, host = "com.acme.OrderService") => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "orders" },
  spec: { hosts: ["com.acme.OrderService"], http: [{ timeout, route: [{ destination: { host } }] }] },
});

const rules = async () => ((await trestle.json("/api/v1/rules")) as { rules: RuleView[] }).rules;
const findings = async () => ((await trestle.json("/api/v1/findings")) as { findings: Finding[] }).findings;
const explained = async () => (await trestle.command("explain", "com.acme.OrderService.getOrder")).stdout;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}
interface Stored {
  readonly metadata: { readonly generation: number; readonly resourceVersion: string };
  readonly status?: {
    readonly observedGeneration?: number | string;
    readonly conditions?: readonly Condition[];
    readonly validationMessages?: readonly { readonly type: { readonly code: string } }[];
    readonly parents?: readonly {
      readonly parentRef: { readonly name: string };
      readonly controllerName: string;
      readonly conditions: readonly Condition[];
    }[];
  };
}
const stored = async (path: string) => (await kubernetes.must("GET", path)) as unknown as Stored;
const ours = ({ status }: Stored) => status?.conditions?.find(({ type }) => type === "trestle.io/Applied");
const define = async (text: string, served: string) => {
  await kubernetes.apply(text);
  await eventually(`${served} is served`, async () => (await kubernetes.ask("GET", served)).status === 200, 60_000);
};

beforeAll(async () => {
  requireNamespace();
  dir = await mkdtemp(join(tmpdir(), "trestle-kubernetes-rules-"));
  kubernetes = await startKubernetes();
  await kubernetes.must("POST", "/api/v1/namespaces", { metadata: { name: "shop" } });
  await kubernetes.must("POST", "/api/v1/namespaces", { metadata: { name: "elsewhere" } });
  await define(await readFile(builtCrds("istio"), "utf8"), VIRTUAL_SERVICES);
  await kubernetes.apply(await readFile("deploy/kubernetes/rbac.yaml", "utf8"));
  const world = "services:\n- service: com.acme.OrderService\n  endpoints: [10.77.0.2:20880]\n";
  await writeFile(join(dir, "world.yaml"), world);
  await kubernetes.must("POST", VIRTUAL_SERVICES, virtualService("1s"));
  url = `kubernetes://${await kubernetes.accountConfig("trestle", "trestle")}?namespace=shop`;
  authority = await startAuthority();
  const ca = { certificates: authority.folder, listen: AUTHORITY };
  const outputs = [{ xds: `${hosts.trestle}:15011` }];
  await writeFile(join(dir, "trestle.yaml"), JSON.stringify({ credentials: url, ca, outputs }));
  const extra = ["-c", join(dir, "trestle.yaml")];
  trestle = await startTrestle({ registry: `file://${join(dir, "world.yaml")}`, facade: "", rules: url, extra });
}, 180_000);

afterAll(async () => {
  await trestle?.stop();
  await kubernetes?.stop();
  await stopAll();
  await rm(dir, { recursive: true, force: true });
});

test("an object is in force before it is ready; rules, explain and analyze call it by its kind and name", async () => {
  expect(await rules()).toMatchObject([
    { kind: "VirtualService", namespace: "shop", services: [HOST], at: "VirtualService shop/orders", newest: true },
  ]);
  expect(await explained()).toContain("VirtualService shop/orders spec.http[0]");
  const analyzed = await runTrestle(["analyze", url, "--admin", `http://${trestle.admin}`]);
  expect([analyzed.code, analyzed.stdout.match(/error/)]).toEqual([0, null]);
});

test("a change is in force within a second, and its status says so once", async () => {
  await kubernetes.must("PATCH", `${VIRTUAL_SERVICES}/orders`, virtualService("2s"));
  await eventually("the new time-out", async () => (await explained()).includes("2s"), 5_000);
  const said = await eventually("the status", async () => {
    const object = await stored(`${VIRTUAL_SERVICES}/orders`);
    return ours(object)?.observedGeneration === object.metadata.generation ? object : undefined;
  });
  expect(ours(said)).toMatchObject({ status: "True", reason: "Applied", message: "in force" });
  await sleep(2_500);
  expect((await stored(`${VIRTUAL_SERVICES}/orders`)).metadata.resourceVersion).toBe(said.metadata.resourceVersion);
});

test("findings are in the status, beside what others wrote there", async () => {
  const foreign = { type: "Reconciled", status: "True", reason: "x", message: "y" };
  const path = `${VIRTUAL_SERVICES}/orders`;
  await kubernetes.must("PATCH", `${path}/status`, { status: { conditions: [foreign] } });
  await kubernetes.must("PATCH", path, virtualService("2s", "com.acme.Missing"));
  const found = await eventually("the finding", async () => {
    const object = await stored(path);
    return object.status?.validationMessages?.some(({ type }) => type.code === "TR0221") ? object : undefined;
  });
  expect(found.status?.conditions?.map(({ type }) => type)).toEqual(["Reconciled", "trestle.io/Applied"]);
  expect(ours(found)).toMatchObject({ status: "True", reason: "AppliedWithFindings" });
  expect(ours(found)?.message).toMatch(/^TR0221 spec\.http\[0\]\.route\[0\]/);
  expect((await findings()).map(({ at }) => at)).toContainEqual(
    expect.stringContaining("VirtualService shop/orders spec"),
  );
});

test("an object that is wrong keeps its last good state", async () => {
  const path = `${VIRTUAL_SERVICES}/orders`;
  await kubernetes.must("PATCH", path, virtualService("3s"));
  await eventually("the new time-out", async () => (await explained()).includes("3s"));
  await kubernetes.must("PATCH", path, {
    spec: { http: [{ match: [{ uri: { regex: "(" } }], route: [{ destination: { host: "x" } }] }] },
  });
  const refused = await eventually("the refusal", async () => {
    const object = await stored(path);
    return ours(object)?.status === "False" ? object : undefined;
  });
  expect(ours(refused)).toMatchObject({ reason: "Invalid" });
  expect(await explained()).toContain("3s");
  expect((await rules())[0]?.newest).toBe(false);
  await kubernetes.must("PATCH", path, virtualService("2s"));
  await eventually("all is well", async () => ours(await stored(path))?.status === "True");
});

test("a second instance of one mind writes nothing more than the first", async () => {
  const path = `${VIRTUAL_SERVICES}/orders`;
  const second = await startProcess({
    name: "trestle control",
    command: process.execPath,
    args: [
      "dist/cli.js",
      "control",
      ...["--registry", `file://${join(dir, "world.yaml")}`, "--rules", url, "--admin", SECOND_ADMIN],
    ],
    ready: async () => (await fetch(`http://${SECOND_ADMIN}/ready`).catch(() => undefined))?.status === 200,
    deadlineMs: 30_000,
  });
  // From a version on: a server whose cache is behind answers a watch from now on by an error.
  const { resourceVersion } = (await stored(path)).metadata;
  const watched = kubernetes.watch(`${VIRTUAL_SERVICES}?resourceVersion=${resourceVersion}`);
  await kubernetes.must("PATCH", path, virtualService("5s"));
  await eventually("the status", async () => {
    const object = await stored(path);
    return ours(object)?.observedGeneration === object.metadata.generation;
  });
  const told = () => watched.events.map(({ type }) => type);
  await eventually("both are told of", () => told().length >= 2);
  // A second for the other one to write, and more.
  await sleep(3_000);
  expect(told()).toEqual(["MODIFIED", "MODIFIED"]);
  watched.close();
  await second.stop();
});

test("kinds are read as soon as the cluster has them, and a route's parents that are ours get their conditions", async () => {
  expect((await findings()).map(({ code }) => code)).toContain("TR0218");
  await define(await readFile(builtCrds("gateway-api"), "utf8"), GRPC_ROUTES);
  await define(await readFile("deploy/kubernetes/crds.yaml", "utf8"), GUARDS);
  await kubernetes.must("DELETE", `${VIRTUAL_SERVICES}/orders`);
  const route = (backend: string) => ({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "GRPCRoute",
    metadata: { name: "orders" },
    spec: {
      parentRefs: [
        { group: "networking.istio.io", kind: "Hostname", name: "com.acme.OrderService" },
        { name: "somebody-elses-gateway" },
      ],
      rules: [
        {
          matches: [{ method: { service: "com.acme.OrderService", method: "getOrder" } }],
          backendRefs: [{ group: "networking.istio.io", kind: "Hostname", name: backend }],
        },
      ],
    },
  });
  await kubernetes.must("POST", GRPC_ROUTES, route("com.acme.Missing"));
  await kubernetes.must("POST", GUARDS, {
    apiVersion: "trestle.io/v1alpha1",
    kind: "SerializationGuard",
    metadata: { name: "all" },
    spec: {},
  });
  const parents = async () => (await stored(`${GRPC_ROUTES}/orders`)).status?.parents ?? [];
  await eventually("both kinds", async () => (await rules()).length === 2, 30_000);
  // Rules are judged a moment after they are in force, and a status may have been written between.
  await expect.poll(parents, { timeout: 20_000 }).toMatchObject([
    {
      parentRef: { name: "com.acme.OrderService" },
      controllerName: "trestle.io/gateway-controller",
      conditions: [
        { type: "Accepted", status: "True", observedGeneration: 1 },
        { type: "ResolvedRefs", status: "False", reason: "BackendNotFound" },
      ],
    },
  ]);
  await kubernetes.must("PATCH", `${GRPC_ROUTES}/orders`, route("com.acme.OrderService"));
  await eventually("references", async () => (await parents())[0]?.conditions[1]?.status === "True");
  await eventually("the guard's", async () => ours(await stored(`${GUARDS}/all`))?.status === "True");
});

test("a route of Gateways alone, and Gateways themselves, are left to their own controller", async () => {
  const api = { apiVersion: "gateway.networking.k8s.io/v1" };
  const listeners = [{ name: "web", port: 80, protocol: "HTTP" }];
  const edge = { ...api, kind: "Gateway", metadata: { name: "edge" }, spec: { gatewayClassName: "theirs", listeners } };
  const spec = {
    parentRefs: [{ name: "edge" }],
    rules: [{ backendRefs: [{ name: "not-in-the-mesh", port: 80 }] }],
  };
  const made = [await kubernetes.must("POST", GATEWAYS, edge)];
  made.push(await kubernetes.must("POST", HTTP_ROUTES, { ...api, kind: "HTTPRoute", metadata: { name: "web" }, spec }));
  const told = async () => (await findings()).filter(({ at }) => at.startsWith("HTTPRoute shop/web"));
  await eventually("the finding", async () => (await told()).length > 0, 30_000);
  expect((await told()).map(({ code, message }) => [code, /Its own controller serves it/.test(message)])).toEqual([
    ["TR0227", true],
  ]);
  await sleep(2_000);
  const versions = (all: readonly object[]) => all.map((one) => (one as Stored).metadata.resourceVersion);
  expect(versions([await stored(`${GATEWAYS}/edge`), await stored(`${HTTP_ROUTES}/web`)])).toEqual(versions(made));
  await kubernetes.must("DELETE", `${HTTP_ROUTES}/web`);
  await eventually("its end", async () => (await rules()).length === 2);
});

test("a MetaRouter's status is written where its definition has one, as Aeraki's does", async () => {
  // What Aeraki's says of the status: any object, in a subresource.
  const open = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  const version = {
    ...{ name: "v1alpha1", served: true, storage: true, subresources: { status: {} } },
    schema: { openAPIV3Schema: { type: "object", properties: { spec: open, status: open } } },
  };
  const names = { kind: "MetaRouter", listKind: "MetaRouterList", plural: "metarouters", singular: "metarouter" };
  const definition = {
    ...{ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" },
    metadata: { name: "metarouters.metaprotocol.aeraki.io" },
    spec: { group: "metaprotocol.aeraki.io", scope: "Namespaced", names, versions: [version] },
  };
  await define(JSON.stringify(definition), META_ROUTERS);
  const tokenBucket = { fillInterval: "60s", maxTokens: 9, tokensPerFill: 9 };
  const router = (hosts: unknown) => ({
    ...{ apiVersion: "metaprotocol.aeraki.io/v1alpha1", kind: "MetaRouter", metadata: { name: "limits" } },
    spec: { hosts, localRateLimit: { tokenBucket } },
  });
  await kubernetes.must("POST", META_ROUTERS, router(["com.acme.OrderService"]));
  const status = async () => ours(await stored(`${META_ROUTERS}/limits`));
  await eventually("applied", async () => (await status())?.reason === "Applied", 30_000);
  expect(await status()).toMatchObject({ status: "True", observedGeneration: 1 });
  await kubernetes.must("PATCH", `${META_ROUTERS}/limits`, router(7));
  await eventually("refused", async () => (await status())?.status === "False");
  expect(await status()).toMatchObject({ reason: "Invalid", observedGeneration: 2 });
  await kubernetes.must("DELETE", `${META_ROUTERS}/limits`);
  await eventually("its end", async () => (await rules()).length === 2);
});

test("an API server that is killed leaves all rules in force; what changed meanwhile is there after it is back", async () => {
  await kubernetes.must("POST", VIRTUAL_SERVICES, virtualService("4s"));
  await eventually("the rule", async () => (await rules()).length === 3);
  await kubernetes.kill();
  await eventually("the loss is told", async () => (await findings()).some(({ code }) => code === "TR0217"), 30_000);
  expect((await rules()).length).toBe(3);
  expect((await trestle.get("/ready")).status).toBe(200);
  await kubernetes.save();
  await kubernetes.restart();
  await kubernetes.must("DELETE", `${VIRTUAL_SERVICES}/orders`);
  await eventually("the removal", async () => (await rules()).length === 2, 60_000);
  expect((await rules()).map(({ kind }) => kind).sort()).toEqual(["GRPCRoute", "SerializationGuard"]);
}, 180_000);

test("storage that is restored to what it was is read anew, though watches would begin in its future", async () => {
  const { metadata } = virtualService("1s");
  for (const name of ["later", "much-later"])
    await kubernetes.must("POST", VIRTUAL_SERVICES, { ...virtualService("1s"), metadata: { ...metadata, name } });
  await eventually("the rules", async () => (await rules()).length === 4);
  await kubernetes.restoreSaved();
  const names = async () => (await rules()).map(({ kind, name }) => `${kind} ${name}`).sort();
  const then = ["GRPCRoute orders", "SerializationGuard all", "VirtualService orders"];
  await eventually("what was", async () => String(await names()) === String(then), 60_000);
  await kubernetes.must("DELETE", `${VIRTUAL_SERVICES}/orders`);
  await eventually("a change after it", async () => (await rules()).length === 2);
}, 180_000);

test("a Gateway's certificate is a Secret, read by its name alone; another one is shown once it is replaced", async () => {
  const root = createTestRoot();
  const secret = () => {
    const { chain, key } = createTestLeaf(root, { uri: "", dns: ["shop.example.com"] });
    return { metadata: { name: "site" }, type: "kubernetes.io/tls", stringData: { "tls.crt": chain, "tls.key": key } };
  };
  const secrets = "/api/v1/namespaces/shop/secrets";
  await kubernetes.must("POST", secrets, secret());
  await kubernetes.apply(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: credentials, namespace: shop}
rules: [{apiGroups: [""], resources: [secrets], resourceNames: [site, site-cacert], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: credentials, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: credentials}
subjects: [{kind: ServiceAccount, name: trestle, namespace: trestle}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  servers:
  - port: {number: 8443, name: https, protocol: HTTPS}
    hosts: [shop.example.com]
    tls: {mode: SIMPLE, credentialName: site}
`);
  const serial = () =>
    new Promise<string>((resolve) => {
      const socket = connect({ host: hosts.trestle, port: 8443, servername: "shop.example.com", ca: root.root });
      socket.once("secureConnect", () => {
        resolve(socket.authorized ? socket.getPeerCertificate().serialNumber : "");
        socket.destroy();
      });
      socket.once("error", () => resolve(""));
    });
  const first = await eventually("the port", async () => (await serial()) || undefined, 20_000);
  await kubernetes.must("PATCH", `${secrets}/site`, secret());
  await eventually("another certificate", async () => ![first, ""].includes(await serial()));
});

test("a gateway elsewhere is given the key by what its account may read, whatever labels it says", async () => {
  for (const name of ["gateway", "web"])
    await kubernetes.must("POST", "/api/v1/namespaces/shop/serviceaccounts", { metadata: { name } });
  await kubernetes.must("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings", {
    metadata: { name: "gateway" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "credentials" },
    subjects: [{ kind: "ServiceAccount", name: "gateway", namespace: "shop" }],
  });
  const clients: Client[] = [];
  const streamOf = (account: string, NAMESPACE = "shop") => {
    const { key, chain } = createTestLeaf(authority.root, { uri: `spiffe://cluster.local/ns/${account}` });
    const parts = [authority.root.pem, key, chain].map((text) => Buffer.from(text));
    const tls = credentials.createSsl(parts[0]!, parts[1]!, parts[2]!, { checkServerIdentity: () => undefined });
    const client = new Client(AUTHORITY, tls);
    clients.push(client);
    const stream = new XdsStream(client, "delta", methodPath("delta", "SDS"));
    const node = { ...NODE, id: `router~10.0.0.8~${account}~shop`, metadata: { NAMESPACE }, userAgentName: "envoy" };
    stream.send(SECRET_TYPE, { node, subscribe: ["kubernetes://site"] });
    stream.call.on("data", () => stream.send(SECRET_TYPE, { nonce: stream.responses.at(-1)!.nonce }));
    return stream;
  };
  const isGiven = (stream: XdsStream) =>
    stream.responses.some(({ resources }) => resources.some(({ name }) => name === "kubernetes://site"));
  const [gateway, web, stranger] = [streamOf("shop/sa/gateway"), streamOf("shop/sa/web"), streamOf("other/sa/gateway")];
  await eventually("the key", () => isGiven(gateway));
  await eventually("the end", () => stranger.ended !== undefined);
  expect(stranger.ended).toMatchObject({ code: 7, details: expect.stringContaining("is of other") });
  await eventually("the finding", async () => (await findings()).some(({ code }) => code === "TR0802"));
  expect([isGiven(web), isGiven(streamOf("other/sa/gateway", "other"))]).toEqual([false, false]);
  for (const client of clients) client.close();
});

test("an account without the role is told which verb it lacks; files are in force beside", async () => {
  await kubernetes.must("POST", "/api/v1/namespaces/shop/serviceaccounts", { metadata: { name: "nobody" } });
  const account = `kubernetes://${await kubernetes.accountConfig("shop", "nobody")}?namespace=shop`;
  const { code, stdout } = await runTrestle(["analyze", account]);
  expect(code).toBe(1);
  expect(stdout).toContain(
    "error TR0205: system:serviceaccount:shop:nobody may not list virtualservices.networking.istio.io in namespace shop; a role for it needs the verbs get, list and watch",
  );
});

test("kinds of security that may not be read hold the start, until they may be or are said to be optional", async () => {
  const account = `kubernetes://${await kubernetes.accountConfig("shop", "nobody")}?namespace=shop`;
  const start = (rules: string, readyStatus: number) =>
    startTrestle({
      ...{ host: hosts.relay, admin: SECOND_ADMIN, registry: `file://${join(dir, "world.yaml")}`, facade: "" },
      ...{ rules, readyStatus },
    });
  const open = await start(`${account}&policies=optional`, 200);
  await open.stop();
  const held = await start(account, 503);
  const reasons = async () => (await held.get("/ready")).body;
  await eventually("the reason", async () => /may not list authorizationpolicies/.test(await reasons()));
  expect(held.workers().filter((pid) => pid > 0)).toEqual([]);
  const may = (name: string, roleRef: object) =>
    kubernetes.must("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings", {
      metadata: { name },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", ...roleRef },
      subjects: [{ kind: "ServiceAccount", name: "nobody", namespace: "shop" }],
    });
  await may("nobody", { kind: "ClusterRole", name: "trestle-rules" });
  await eventually("the start", async () => (await held.get("/ready")).status === 200, 40_000);
  await held.stop();
}, 90_000);

test("policies of a kind that is not listed any more stay; they go with its definition", async () => {
  const policies = "/apis/security.istio.io/v1/namespaces/shop/authorizationpolicies";
  await kubernetes.must("POST", policies, {
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name: "nobody" },
    spec: {},
  });
  const kinds = async () => (await rules()).map(({ kind }) => kind);
  await eventually("the policy", async () => (await kinds()).includes("AuthorizationPolicy"));
  const definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/authorizationpolicies.security.istio.io";
  const served = (isServed: boolean) => async () => {
    const { spec } = (await kubernetes.must("GET", definition)) as { spec: { versions: { served: boolean }[] } };
    const versions = spec.versions.map((one) => ({ ...one, served: isServed }));
    await kubernetes.must("PATCH", definition, { spec: { versions } });
  };
  await served(false)();
  await eventually("the finding", async () => (await findings()).some(({ code }) => code === "TR0249"), 30_000);
  expect(await kinds()).toContain("AuthorizationPolicy");
  await kubernetes.must("DELETE", definition);
  await eventually("the removal", async () => !(await kinds()).includes("AuthorizationPolicy"), 60_000);
}, 120_000);
