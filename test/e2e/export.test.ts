import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { runTrestle } from "../support/trestle.ts";

// `trestle export` as a program, with a registry and rules in files.
let dir: string;
let args: string[];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "trestle-export-"));
  await writeFile(
    join(dir, "world.yaml"),
    "services:\n- {service: com.acme.OrderService, version: '1.0.0', params: {lane: v1}, endpoints: ['10.77.0.2:20880']}\n- {service: stock, protocol: http, endpoints: ['10.77.0.3:8080']}\n",
  );
  await writeFile(
    join(dir, "rules.yaml"),
    `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders}
spec:
  hosts: [com.acme.OrderService]
  http:
    - match: [{method: {exact: createOrder}}]
      timeout: 1s
      route: [{destination: {host: com.acme.OrderService, subset: v1}}]
    - route: [{destination: {host: com.acme.OrderService}}]
`,
  );
  args = ["--registry", `file://${join(dir, "world.yaml")}`, "--rules", join(dir, "rules.yaml")];
});

afterAll(() => rm(dir, { recursive: true, force: true }));

const read = (text: string) => parseAllDocuments(text).map((one) => one.toJS() as { kind: string });

test("every entry is a ServiceEntry on the standard output, unless told otherwise", async () => {
  const { code, stdout, stderr } = await runTrestle(["export", ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(read(stdout)).toMatchObject([
    { kind: "ServiceEntry", spec: { hosts: ["com.acme.orderservice-1-0-0"] } },
    { kind: "ServiceEntry", spec: { hosts: ["stock"] } },
  ]);
});

test("aeraki gets what it takes up, a file each, and what its rules lack is told", async () => {
  const to = join(dir, "aeraki");
  const { code, stdout, stderr } = await runTrestle(["export", ...args, "--format", "aeraki", "--to", to]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  expect(stderr).toMatch(
    /^trestle: \S*rules\.yaml:\d+: route orders\/0: a MetaRouter has no timeout\ntrestle: 2 files written to /,
  );
  const files = (await readdir(to)).sort();
  expect(files).toEqual(["com.acme.orderservice-1-0-0.yaml", "metarouter-com.acme.orderservice-1-0-0.yaml"]);
  const [entry, router] = await Promise.all(files.map(async (file) => read(await readFile(join(to, file), "utf8"))));
  expect(entry).toMatchObject([{ spec: { ports: [{ name: "tcp-metaprotocol-dubbo" }] } }]);
  expect(router).toMatchObject([
    {
      kind: "MetaRouter",
      spec: { routes: [{ match: { attributes: { method: { exact: "createOrder" } } } }, { name: "orders/1" }] },
    },
  ]);
});

test("a rule file that is wrong is told of, with its place, by the formats that say something of rules", async () => {
  const wrong = join(dir, "wrong.yaml");
  await writeFile(wrong, "kind: VirtualService\n");
  const both = ["export", ...args, "--rules", wrong];
  const { code, stderr } = await runTrestle([...both, "--format", "aeraki"]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^trestle: \S*wrong\.yaml:1:1: TR0208 /);
  expect(await runTrestle(both)).toMatchObject({ code: 0, stderr: "" });
});

test.each([
  ["files without a folder", ["--format", "files"], /say --to FOLDER/],
  ["a format that is not known", ["--format", "nginx"], /'nginx' is invalid/],
])("%s is refused in one line", async (_, more, message) => {
  const { code, stdout, stderr } = await runTrestle(["export", ...args, ...more]);
  expect({ code: code === 0, stdout, lines: stderr.trim().split("\n").length }).toEqual({
    code: false,
    stdout: "",
    lines: 1,
  });
  expect(stderr).toMatch(message);
});

test("without a registry there is nothing to read", async () => {
  expect((await runTrestle(["export"])).stderr).toMatch(/no registry to read; name one with --registry or -c/);
});
