import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lines, startProvider } from "../support/dubbo.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { type Peer, stopAll } from "../support/process.ts";
import { type Ran, runTrestle } from "../support/trestle.ts";
import { startZooKeeper, type ZooKeeper } from "../support/zookeeper.ts";

// `trestle call` against real providers, as a person at a shell makes it.
let zookeeper: ZooKeeper;

beforeAll(async () => {
  requireNamespace();
  zookeeper = await startZooKeeper(hosts.registry);
});

afterAll(async () => {
  await stopAll();
});

function call(method: string, json: string, ...options: string[]): Promise<Ran> {
  const at = [`dubbo://${hosts.provider1}:20880`, `com.acme.OrderService.${method}`, json];
  return runTrestle(["call", ...at, "--group", "g", "--version", "1.0.0", ...options]);
}

describe.each(lines)("a %s provider", (line) => {
  let provider: Peer;

  beforeAll(async () => {
    const registry = zookeeper.address;
    provider = await startProvider(line, {
      registry,
      host: hosts.provider1,
      group: "g",
      version: "1.0.0",
      label: line,
    });
  });

  afterAll(async () => {
    await provider.stop();
  });

  test("answers a call whose types are not known", async () => {
    const ran = await call("getOrder", "[42]");
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(ran.stdout)).toMatchObject({ id: 42, servedBy: line, class: "com.acme.Order" });
  });

  test("answers a call with types, and one that was found in a registry", async () => {
    const typed = await call("getOrder", "[42]", "--types", "long");
    expect(typed).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(typed.stdout)).toMatchObject({ id: 42, servedBy: line });
    const service = ["--group", "g", "--version", "1.0.0", "--registry", zookeeper.address];
    const found = await runTrestle(["call", "com.acme.OrderService.sayHi", '["bob"]', ...service]);
    expect(found).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("bob") });
  });

  test.each<[string, string, string, string]>([
    ["echoLong", "[9007199254740993]", "long", '"9007199254740993"'],
    ["echoDouble", "[2]", "double", "2.0"],
    ["echoDecimal", '["1.10"]', "java.math.BigDecimal", '"1.10"'],
    ["echoString", '["é中🚀"]', "String", '"é中🚀"'],
    ["echoBytes", '["Af8A"]', "byte[]", '"Af8A"'],
    ["echoInts", "[[1,-1,2147483647]]", "[I", "[1,-1,2147483647]"],
    ["echoSet", '[["a"]]', "java.util.Set<String>", '["a"]'],
    ["echoMap", '[{"k":1}]', "java.util.Map", '{"k":1}'],
    ["echoDate", '["2023-11-14T22:13:20.123Z"]', "java.util.Date", '"2023-11-14T22:13:20.123Z"'],
    ["echoObject", "[null]", "Object", "null"],
    ["cancelOrder", "[1]", "J", "null"],
  ])("%s of %s as %s is %s", async (method, json, types, result) => {
    const ran = await call(method, json, "--types", types);
    expect(ran.stderr).toBe("");
    expect(ran.stdout.replace(/\s+/g, "")).toBe(result);
    expect(ran.code).toBe(0);
  });

  test("takes an object as an argument, typed and generic", async () => {
    for (const options of [["--types", "com.acme.Order"], ["--types", "com.acme.Order", "--generic"], []]) {
      const ran = await call("createOrder", '[{"id":7,"note":"shelf","class":"com.acme.Order"}]', ...options);
      expect(ran).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(ran.stdout)).toMatchObject({ servedBy: line, note: expect.stringContaining("shelf") });
    }
  });

  test("sees the attachments", async () => {
    const ran = await call("attachments", "[]", "--attachment", "x-gray=blue", "--attachment", "eq=a=b");
    expect(JSON.parse(ran.stdout)).toMatchObject({ "x-gray": "blue", eq: "a=b" });
  });

  test("has its exceptions and their causes told, with exit code 1", async () => {
    const typed = await call("fail", '["runtime-cause"]', "--types", "String");
    expect(typed).toMatchObject({ code: 1, stdout: "" });
    expect(typed.stderr).toMatch(/^java\.lang\.\w+(: .+)?\ncaused by: .+\n/);
    const checked = await call("fail", '["checked"]', "--types", "String");
    expect(checked).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/^com\.acme\.OrderException/) });
    const generic = await call("fail", '["checked"]');
    expect(generic).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/^com\.acme\.OrderException/) });
  });

  test("has its refusals told, with exit code 1", async () => {
    const nobody = await call("nosuch", "[1]", "--types", "long");
    expect(nobody).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/^.+\n$/) });
    const group = await runTrestle(["call", `dubbo://${hosts.provider1}`, "com.acme.OrderService.getOrder", "[42]"]);
    expect(group).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^trestle: the provider answered \d+ /),
    });
  });

  test("that is too slow is given up, with exit code 2", async () => {
    const ran = await call("sleep", "[5000]", "--types", "long", "--timeout", "300");
    expect(ran).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(/^trestle: no answer from .+ in time\n$/),
    });
  });

  test("hears a one-way call", async () => {
    const key = `k-${line}`;
    expect(await call("note", `["${key}"]`, "--types", "String", "--one-way")).toMatchObject({ code: 0, stdout: "" });
    const ran = await call("notes", `["${key}"]`, "--types", "String");
    expect(ran.stdout.trim()).toBe("1");
  });

  test("is told from a Triple one", async () => {
    const at = [`tri://${hosts.provider1}:20880`, "com.acme.OrderService.getOrder", "[42]"];
    const ran = await runTrestle(["call", ...at, "--group", "g", "--version", "1.0.0", "--timeout", "500"]);
    expect(ran).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("has not begun to speak HTTP/2"),
    });
  });
});
