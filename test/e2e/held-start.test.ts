import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { startHttpProvider } from "../support/http-stage.ts";
import { stopAll } from "../support/process.ts";
import { startTrestle } from "../support/trestle.ts";

afterEach(() => stopAll());

test("a configuration that is edited while a start is held by it is taken up, and the start goes on", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trestle-held-"));
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(
    kubeconfig,
    JSON.stringify({
      "current-context": "away",
      contexts: [{ name: "away", context: { cluster: "away", user: "nobody" } }],
      clusters: [{ name: "away", cluster: { server: "https://127.0.0.1:9" } }],
      users: [{ name: "nobody", user: { token: "none" } }],
    }),
  );
  const file = join(folder, "trestle.json");
  const configure = (...rules: string[]) => writeFile(file, JSON.stringify({ rules }));
  await configure(`kubernetes://${kubeconfig}`);
  const { peer, get } = await startTrestle({ extra: ["--config", file], readyStatus: 503 });
  let log = "";
  peer.child.stderr!.on("data", (text: string) => {
    log += text;
  });
  await expect.poll(() => log, { timeout: 10_000 }).toContain("rules of a cluster can't be read yet");
  expect(await get("/ready")).toMatchObject({ status: 503 });
  await configure();
  await expect.poll(() => get("/ready"), { timeout: 10_000 }).toMatchObject({ status: 200 });
  expect(peer.stdout()).toContain("is up: ");
  // And it is followed on.
  await configure(`kubernetes://${kubeconfig}?policies=optional`);
  await expect.poll(() => log.split("configuration taken up").length, { timeout: 5_000 }).toBe(3);
});

test("a rule file that can't be read holds a start until it can, or is gone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trestle-unread-"));
  const provider = await startHttpProvider((_, response) => response.end("served"));
  await writeFile(
    join(folder, "services.yaml"),
    `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: orders, namespace: shop}
spec:
  hosts: [orders.shop]
  resolution: STATIC
  ports: [{number: ${provider.port}, name: http, protocol: HTTP}]
  endpoints: [{address: 127.0.0.1}]
`,
  );
  const policy = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: secret, namespace: shop}
spec: {action: DENY, rules: [{to: [{operation: {paths: [/secret]}}]}]}
`;
  const policies = join(folder, "policies.yaml");
  await writeFile(policies, Buffer.from(policy, "utf16le"));
  await writeFile(join(folder, "cut.yaml"), "apiVersion: security.istio.io/v1\nki");
  const { get, json, command, peer } = await startTrestle({ rules: folder, facade: "", readyStatus: 503 });
  const why = `rules are not loaded yet: policies may stand in ${policies}`;
  await expect
    .poll(() => get("/ready"), { timeout: 10_000 })
    .toMatchObject({ status: 503, body: expect.stringContaining(why) });
  expect((await command("rules", "--findings")).stdout).toMatch(/TR0279.*cut\.yaml/);
  expect(peer.stdout()).not.toContain("is up: ");
  await rm(join(folder, "cut.yaml"));
  await writeFile(policies, policy);
  await expect.poll(() => get("/ready"), { timeout: 10_000 }).toMatchObject({ status: 200 });
  const { services } = (await json("/api/v1/services")) as { services: { http: string }[] };
  const answer = async (path: string) => (await fetch(`http://${services[0]!.http}${path}`)).status;
  expect([await answer("/open"), await answer("/secret")]).toEqual([200, 403]);
  // What is known of it stays, when it can't be read later.
  await writeFile(policies, Buffer.from(policy, "utf16le"));
  await expect.poll(async () => (await command("rules", "--findings")).stdout, { timeout: 5_000 }).toMatch(/TR0215/);
  expect([await answer("/open"), await answer("/secret")]).toEqual([200, 403]);
  await provider.close();
}, 30_000);

test("a policy that is wrong from the start on closes what it may be for until it is mended, and nothing else", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trestle-wrong-start-"));
  const provider = await startHttpProvider((_, response) => response.end("served"));
  const service = (namespace: string): string => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: orders, namespace: ${namespace}}
spec:
  hosts: [orders.${namespace}]
  resolution: STATIC
  ports: [{number: ${provider.port}, name: http, protocol: HTTP}]
  endpoints: [{address: 127.0.0.1}]
`;
  const write = (action: string) =>
    writeFile(
      join(folder, "policies.yaml"),
      `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: secret, namespace: shop}
spec: {action: ${action}, rules: [{to: [{operation: {paths: [/secret]}}]}]}
`,
    );
  await writeFile(join(folder, "services.yaml"), ["shop", "bank"].map(service).join("---\n"));
  const tokens = join(folder, "tokens.yaml");
  await writeFile(
    tokens,
    `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: callers, namespace: bank}
spec: {jwtRules: [{issuer: nobody, fromHeaders: [{name: x-token}]}]}
`,
  );
  await write("REFUSE");
  const { json, command } = await startTrestle({ rules: folder, facade: "" });
  const { services } = (await json("/api/v1/services")) as { services: { service: string; http: string }[] };
  const answer = async (namespace: string, path: string, headers = {}): Promise<number> => {
    const { http } = services.find((one) => one.service.startsWith(`orders.${namespace}`))!;
    return (await fetch(`http://${http}${path}`, { headers })).status;
  };
  expect([await answer("shop", "/open"), await answer("shop", "/secret"), await answer("bank", "/")]).toEqual([
    403, 403, 200,
  ]);
  // Who says a token says it to nobody, wherever the wrong text has tokens.
  const said = [{ authorization: "Bearer a.b.c" }, { "x-token": "a.b.c" }];
  expect(await Promise.all(said.map((headers) => answer("bank", "/", headers)))).toEqual([401, 401]);
  await rm(tokens);
  await expect.poll(() => answer("bank", "/", said[0]), { timeout: 5_000 }).toBe(200);
  expect((await command("rules", "--findings")).stdout).toMatch(/TR0278.*AuthorizationPolicy shop\/secret is wrong/);
  await write("DENY");
  await expect.poll(() => answer("shop", "/open"), { timeout: 5_000 }).toBe(200);
  expect([await answer("shop", "/secret"), await answer("bank", "/")]).toEqual([403, 200]);
  // Wrong while it runs, it keeps its last good state.
  await write("REFUSE");
  await expect.poll(async () => (await command("rules", "--findings")).stdout, { timeout: 5_000 }).toMatch(/TR0215/);
  expect([await answer("shop", "/open"), await answer("shop", "/secret")]).toEqual([200, 403]);
  await provider.close();
}, 30_000);
