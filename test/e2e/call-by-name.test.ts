import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startProvider } from "../support/dubbo.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { type Ran, runTrestle } from "../support/trestle.ts";

// `trestle call --admin`: a service by its name alone, in each protocol, through the proxy of a running instance. Its provider speaks Dubbo2.
const orders = fileURLToPath(new URL("../../fixtures/peers/grpc/orders.proto", import.meta.url));
let mesh: Mesh;

beforeAll(async () => {
  requireNamespace();
  mesh = await startMesh({ extra: ["--protos", orders] });
  const place = { registry: mesh.inside, host: hosts.provider1, port: 20880, group: "g", version: "1.0.0" };
  await startProvider("2.7", { ...place, label: "old" });
  await eventually("the service is known", async () => (await call("com.acme.OrderService.whoAmI")).code === 0, 15_000);
});

afterAll(async () => {
  await stopAll();
});

function call(...args: string[]): Promise<Ran> {
  return runTrestle(["call", ...args, "--admin", mesh.trestle.admin]);
}

test.each<[string, string[], unknown]>([
  ["as its port takes it", ["com.acme.OrderService.getOrder", "[42]"], { id: 42, servedBy: "old" }],
  ["by dubbo", ["com.acme.OrderService.getOrder", "[42]", "--protocol", "dubbo"], { id: 42, servedBy: "old" }],
  ["by tri", ["com.acme.OrderService.getOrder", "[42]", "--protocol", "tri", "--types", "long"], { id: 42 }],
  ["by http", ["com.acme.OrderService.getOrder", "[42]", "--protocol", "http"], { id: 42, servedBy: "old" }],
  ["by grpc", ["com.acme.OrderService/GetOrder", '{"id": "42"}', "--protocol", "grpc"], { id: "42", servedBy: "old" }],
  [
    "of a group and version that are named",
    ["g/com.acme.OrderService:1.0.0.sayHi", '["bob"]', "--protocol", "tri"],
    "hi bob",
  ],
])("a service is called %s, through the proxy", async (_, args, value) => {
  const before = await mesh.carried();
  const ran = await call(...args);
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  const answer: unknown = JSON.parse(ran.stdout);
  if (typeof value === "object") expect(answer).toMatchObject(value as object);
  else expect(answer).toBe(value);
  await eventually("it was carried", async () => (await mesh.carried()) === before + 1, 5_000);
});

test("an exception is told with exit code 1, in each protocol", async () => {
  for (const protocol of ["dubbo", "tri", "http"]) {
    const ran = await call("com.acme.OrderService.fail", '["checked"]', "--protocol", protocol);
    expect(ran).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("no such order") as string });
  }
  const grpc = await call("com.acme.OrderService/Fail", '"checked"', "--protocol", "grpc");
  expect(grpc).toMatchObject({ code: 1, stderr: expect.stringContaining("no such order") as string });
});

describe("what cannot be called is told in one line, with exit code 2:", () => {
  test.each<[string, string[], string]>([
    ["a service that is not known", ["a.B.m"], "that instance knows no service a.B; see trestle services"],
    [
      "a version that is not known",
      ["com.acme.OrderService.whoAmI", "--version", "9"],
      "that instance knows no com.acme.OrderService:9; say --group and --version of one of these: g/com.acme.OrderService:1.0.0",
    ],
    [
      "a method that the messages do not have",
      ["com.acme.OrderService/Nothing", "{}", "--protocol", "grpc"],
      "service com.acme.OrderService has no method Nothing",
    ],
    [
      "a protocol that is none",
      ["com.acme.OrderService.whoAmI", "--protocol", "rest"],
      "it must be one of dubbo, tri, grpc, http.",
    ],
    [
      "an address beside a protocol",
      ["tri://10.0.0.1", "com.acme.OrderService.whoAmI", "--protocol", "tri"],
      "--protocol is for services by name: the address says tri:// already",
    ],
    [
      "an address beside an instance",
      ["tri://10.0.0.1", "com.acme.OrderService.whoAmI"],
      "--admin is for services by name",
    ],
    [
      "a registry beside an instance",
      ["com.acme.OrderService.whoAmI", "--registry", "zookeeper://10.0.0.1"],
      "--registry and --admin exclude each other",
    ],
    [
      "types for JSON",
      ["com.acme.OrderService.getOrder", "[1]", "--protocol", "http", "--types", "long"],
      "--types, --generic and --one-way are for dubbo and tri",
    ],
  ])("%s", async (_, args, text) => {
    const ran = await call(...args);
    expect(ran).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(text) as string });
    expect(ran.stderr.trim().split("\n")).toHaveLength(1);
  });

  test("an instance that is not there", async () => {
    const ran = await runTrestle(["call", "a.B.m", "--admin", `${hosts.provider2}:9`]);
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining("no answer from http://") as string });
  });
});
