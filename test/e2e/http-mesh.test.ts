import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answerCall, startFakeProvider } from "../support/fake-provider.ts";
import { soon } from "../support/fault-stage.ts";
import { grpcClient, startGrpcServer } from "../support/grpc-peer.ts";
import { type HttpProvider, openRawHttp, startHttpProvider } from "../support/http-stage.ts";
import { freePort } from "../support/lone-proxy.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { policyText } from "../support/policies.ts";
import { startProcess, stopAll } from "../support/process.ts";
import { runTrestle, startTrestle, type Trestle } from "../support/trestle.ts";
import { startXdsEnvoy, type XdsEnvoy } from "../support/xds-stage.ts";

// `trestle up` with services that rules alone list: Node's and Python's HTTP servers behind it, curl and Node before it.
const run = promisify(execFile);
const XDS_PORT = 15_011;
let folder: string;
let node: HttpProvider;
let second: HttpProvider;
let pythonPort: number;
let trestle: Trestle;

const entry = (name: string, host: string, spec: string): string =>
  `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: ${name}}\nspec: {hosts: [${host}], ${spec}}\n`;
const rules = (text: string): Promise<void> => writeFile(join(folder, "rules", "shop.yaml"), text);
const shop = (): string =>
  entry(
    "shop",
    "shop",
    `resolution: STATIC, ports: [{number: ${node.port}, name: http, protocol: HTTP}], endpoints: [{address: 127.0.0.1, labels: {v: "1"}}, {address: 127.0.0.1, labels: {v: "2"}, ports: {http: ${second.port}}}]`,
  );
const python = (): string =>
  entry("files", "localhost", `resolution: DNS, ports: [{number: ${pythonPort}, name: http, protocol: HTTP}]`);
const split = (more: string): string =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: shop}\nspec:\n  hosts: [shop]\n  http: [${more}]\n---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: shop}\nspec: {host: shop, subsets: [{name: v1, labels: {v: "1"}}, {name: v2, labels: {v: "2"}}]}\n`;
const socket = (): string => join(folder, "u.sock");
const local = (): string =>
  entry(
    "local",
    "local, '*.local.example'",
    `resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP}], endpoints: [{address: "unix://${socket()}"}]`,
  );
const to = (subset: string): string => `route: [{destination: {host: shop, subset: ${subset}}}]`;

beforeAll(async () => {
  requireNamespace();
  folder = await mkdtemp(join(tmpdir(), "trestle-http-"));
  await run("mkdir", ["-p", join(folder, "rules"), join(folder, "www")]);
  await writeFile(join(folder, "www", "hello.txt"), "hello from Python\n");
  const said = ({ method, url, headers: { host, "x-a": text } }: IncomingMessage) =>
    url?.startsWith("/host") === true ? host : `${method} ${url}${text === undefined ? "" : ` "${String(text)}"`}`;
  const answer = (label: string) => (request: IncomingMessage, response: ServerResponse) => {
    if (/^\/[1-5]\d\d$/.test(request.url ?? "")) response.statusCode = Number(request.url!.slice(1));
    response.end(`${label} ${said(request)}`);
  };
  node = await startHttpProvider(answer("one"));
  second = await startHttpProvider(answer("two"));
  pythonPort = await freePort();
  await startProcess({
    name: "python http.server",
    command: "python3",
    args: ["-m", "http.server", "--directory", join(folder, "www"), String(pythonPort)],
    ready: async () => (await fetch(`http://127.0.0.1:${pythonPort}/`).catch(() => undefined))?.ok === true,
    deadlineMs: 10_000,
  });
  await rules([shop(), python()].join("---\n"));
  trestle = await startTrestle({ rules: join(folder, "rules"), output: `xds=${hosts.trestle}:${XDS_PORT}` });
});

afterAll(async () => {
  await trestle?.stop();
  await stopAll();
  await node?.close();
  await second?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Service {
  readonly service: string;
  readonly http: string;
}

async function addressOf(service: string): Promise<string> {
  const { services } = (await trestle.json("/api/v1/services")) as { services: readonly Service[] };
  return services.find((one) => one.service === service)!.http;
}

async function curl(...args: string[]): Promise<string> {
  return (await run("curl", ["-sS", "-m", "5", ...args])).stdout;
}

test("each service has a port of its own, which trestle services shows, by its name alone", async () => {
  const listed = await trestle.command("services", "-o", "json");
  const services = JSON.parse(listed.stdout) as readonly Service[];
  const http = services.map((one) => one.http);
  expect(http).toHaveLength(2);
  for (const address of http) expect(address).toMatch(/^10\.77\.0\.5:31\d{3}$/);
  expect(new Set(http).size).toBe(2);
  expect((await trestle.command("endpoints", "shop")).stdout).toMatch(/127\.0\.0\.1:\d+ +http +100/);
});

test("curl gets Python's files and Node's answers through it, over one connection each", async () => {
  const files = `http://${await addressOf("localhost")}`;
  expect(await curl(`${files}/hello.txt`)).toBe("hello from Python\n");
  expect(await curl("-I", `${files}/hello.txt`)).toMatch(/^HTTP\/1.1 200 OK[\s\S]*Content-Length: 18/i);
  expect(await curl("-o", "/dev/null", "-w", "%{http_code}", `${files}/none`)).toBe("404");
  const url = `http://${await addressOf("shop")}`;
  const connects = await curl("-o", "/dev/null", "-w", "%{num_connects} ", `${url}/1`, "-o", "/dev/null", `${url}/2`);
  expect(connects.trim().split(" ").map(Number)).toEqual([1, 0]);
  expect(await curl("-X", "POST", "-d", "a=1", `${url}/orders`)).toMatch(/^(one|two) POST \/orders$/);
  expect(await curl("--http2", `${url}/h2c`)).toMatch(/^(one|two) GET \/h2c$/);
});

test("a changed rule leads requests elsewhere, and metrics name it", async () => {
  const url = `http://${await addressOf("shop")}`;
  await rules(
    [
      shop(),
      python(),
      split(
        `{name: writes, match: [{method: {exact: POST}}], ${to("v2")}}, {name: moved, match: [{uri: {prefix: /old}}], redirect: {prefixRewrite: /new, redirectCode: 307}}, {name: reads, ${to("v1")}}`,
      ),
    ].join("---\n"),
  );
  const inForce = async (): Promise<void> => {
    for (let i = 0; i < 4; i++) {
      expect(await curl("-X", "POST", `${url}/a`)).toBe("two POST /a");
      expect(await curl(`${url}/a`)).toBe("one GET /a");
    }
  };
  await soon(inForce, 5_000, "the rule is in force");
  expect(await curl("-L", `${url}/old/a?b=1`)).toBe("one GET /new/a?b=1");
  const routes = (await trestle.command("routes")).stdout;
  expect(routes).toContain("shop/writes");
  const { body } = await trestle.get("/metrics");
  const line = body
    .split("\n")
    .find(
      (one) =>
        one.startsWith("istio_requests_total") && one.includes('request_operation="POST"') && one.includes('"v2"'),
    );
  expect(line).toContain('request_protocol="http"');
  expect(line).toContain('response_code="200"');
  expect(line).toContain('destination_service="shop"');
});

test("each port of a service is a destination of its own, with an address of its own", async () => {
  const ports = `{number: 80, name: http, protocol: HTTP, targetPort: ${node.port}}, {number: 9090, name: http-admin, protocol: HTTP, targetPort: ${second.port}}`;
  const own = entry("two", "two", `resolution: STATIC, ports: [${ports}], endpoints: [{address: 127.0.0.1}]`);
  const relays = await Promise.all(["one", "two"].map((label) => startGrpcServer(label)));
  const calls = relays.map(
    ({ port }, i) => `{number: ${9000 + i}, name: grpc-${i}, protocol: GRPC, targetPort: ${port}}`,
  );
  const grpc = `resolution: STATIC, ports: [${calls.join(", ")}], endpoints: [{address: 127.0.0.1}]`;
  const outside = await freePort();
  const gateway = `apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: edge}\nspec: {servers: [{port: {number: ${outside}, name: http, protocol: HTTP}, hosts: ["*"]}]}\n`;
  const exposed = `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: edge}\nspec: {hosts: ["*"], gateways: [edge], http: [{route: [{destination: {host: two, port: {number: 9090}}}]}]}\n`;
  const providers = await Promise.all([startFakeProvider(), startFakeProvider()]);
  const bodies: string[] = [];
  for (const [i, provider] of providers.entries())
    provider.onCall = (seen) => {
      bodies.push(String(seen.body));
      answerCall(seen, `dubbo ${i}`);
    };
  const old = providers.map(
    ({ port }, i) => `{number: ${20880 + i}, name: dubbo-${i}, protocol: DUBBO, targetPort: ${port}}`,
  );
  const dubbo = `resolution: STATIC, ports: [${old.join(", ")}], endpoints: [{address: 127.0.0.1}]`;
  const byMethod = `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: old}\nspec: {hosts: [com.acme.Old], http: [{match: [{method: {exact: admin}}], route: [{destination: {host: com.acme.Old, port: {number: 20881}}}]}, {route: [{destination: {host: com.acme.Old}}]}]}\n`;
  const others = [entry("relay", "com.acme.Relay", grpc), entry("old", "com.acme.Old", dubbo), byMethod];
  const two = [own, ...others, gateway, exposed].join("---\n");
  const at = (port: number): string => `route: [{destination: {host: two, port: {number: ${port}}}}]`;
  await rules([shop(), two].join("---\n"));
  const said = async (service: string, path = "/a"): Promise<string> =>
    curl("-w", " %{http_code}", `http://${await addressOf(service)}${path}`);
  await soon(async () => expect(await said("two:9090")).toBe("two GET /a 200"), 5_000, "both are known");
  expect(await said("two")).toBe("one GET /a 200");
  expect(await curl(`http://${hosts.trestle}:${outside}/b`)).toBe("two GET /b");
  for (const [authority, label] of [
    [undefined, "one"],
    ["com.acme.relay:9000", "one"],
    ["com.acme.Relay:9001", "two"],
  ] as const) {
    const client = grpcClient(`${hosts.trestle}:50051`, authority);
    expect((await client.say("x")).values).toEqual([`${label}: x`]);
    client.close();
  }
  for (const [method, label] of [
    ["get", "dubbo 0"],
    ["admin", "dubbo 1"],
  ] as const) {
    const { stdout } = await runTrestle(["call", `dubbo://${hosts.trestle}:20880`, `com.acme.Old.${method}`, "[]"]);
    expect(JSON.parse(stdout)).toBe(label);
  }
  expect(bodies.filter((body) => body.includes("20881"))).toEqual([]);
  for (const relay of relays) relay.kill();
  for (const provider of providers) await provider.close();
  const routes = `{match: [{port: 9090, uri: {prefix: /first}}], ${at(80)}}, {match: [{port: 80, uri: {prefix: /admin}}], ${at(9090)}}, {match: [{uri: {prefix: /none}}], ${at(81)}}, {route: [{destination: {host: two}}]}`;
  const rule = `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: two}\nspec: {hosts: [two], http: [${routes}]}\n`;
  await rules([shop(), two, rule].join("---\n"));
  await soon(async () => expect(await said("two", "/admin")).toBe("two GET /admin 200"), 5_000, "the rule is in force");
  expect(await said("two:9090", "/first")).toBe("one GET /first 200");
  expect(await said("two:9090")).toBe("two GET /a 200");
  expect(await said("two")).toBe("one GET /a 200");
  expect(await said("two", "/none")).toMatch(/ 503$/);
  expect((await trestle.command("rules", "--findings")).stdout).toMatch(
    /TR0221.*destination two has no port 81 that is carried; it has 80, 9090/,
  );
  expect((await trestle.command("endpoints", "two:9090")).stdout).toContain(`127.0.0.1:${second.port} `);
});

test("a service listens on a Unix socket, and a wildcard beside its host is one too", async () => {
  const server = createHttpServer((request, response) => response.end(`socket ${request.url}`));
  await new Promise<void>((resolve) => server.listen(socket(), resolve));
  await rules([shop(), local()].join("---\n"));
  const said = async (): Promise<string> => curl(`http://${await addressOf("local")}/a`);
  await soon(async () => expect(await said()).toBe("socket /a"), 5_000, "the service is known");
  expect((await trestle.command("endpoints", "local")).stdout).toContain(`unix://${socket()} `);
  expect(await curl(`http://${await addressOf("*.local.example")}/b`)).toBe("socket /b");
  server.close();
});

describe("a stock Envoy and Trestle's own proxy", () => {
  let envoy: XdsEnvoy;
  /** Trestle's, then the Envoy's. */
  const bothPlaces = async () =>
    [(await addressOf("shop")).split(":"), [hosts.relay, String(node.port)]] as [[string, string], [string, string]];

  beforeAll(async () => {
    envoy = await startXdsEnvoy({
      nodeId: `sidecar~${hosts.relay}~alike~e2e`,
      server: { host: hosts.trestle, port: XDS_PORT },
      settings: { bind: hosts.relay, dubboPort: 0, ports: [node.port] },
    });
  });

  afterAll(() => envoy.stop());

  test("requests are led by the same of them, with the same Host", async () => {
    const own = "headers: {request: {add: {Host: own.example}}}";
    const both = `route: [{destination: {host: shop, subset: v1}, weight: 1, ${own}}]`;
    const all = 'headers: {request: {set: {":authority": all.example, ":path": /no}}}';
    const when = (uri: string, condition: string) => `{match: [{uri: {exact: /${uri}}, ${condition}}], ${to("v2")}}`;
    const host = (uri: string, what: string) => `{match: [{uri: {exact: /host/${uri}}}], ${what}}`;
    const http = [
      when("query", 'queryParams: {q: {exact: "1"}}'),
      when("flag", "queryParams: {q: {}}"),
      when("plus", 'queryParams: {q: {exact: "a+b"}}'),
      when("user", "headers: {user: {exact: ann}}"),
      when("suffix", "headers: {user: {regex: '.*bob'}}"),
      when("without", "withoutHeaders: {user: {exact: ann}}"),
      when("list", "headers: {accept: {exact: 'a,b'}}"),
      when("text", "headers: {user: {exact: 'bö'}}"),
      `{match: [{uri: {prefix: /slash}}], rewrite: {uri: /}, ${to("v1")}}`,
      `{match: [{uri: {prefix: /moved}}], redirect: {prefixRewrite: /n/, authority: a.example}}`,
      `{match: [{uri: {prefix: /empty}}], headers: {request: {set: {x-a: ""}}}, ${to("v1")}}`,
      host("own", both),
      host("route", `${all}, ${both}`),
      host("rewrite", `${all}, rewrite: {authority: new.example}, ${both}`),
      `{${to("v1")}}`,
    ];
    await rules(`${shop()}---\n${split(http.join(", "))}`);
    const places = await bothPlaces();
    const said = async ([address, port]: [string, string], target: string, lines: readonly string[]) => {
      const caller = await openRawHttp(Number(port), address);
      caller.write([`GET ${target} HTTP/1.1`, "Host: shop", "Connection: close", ...lines, "", ""].join("\r\n"));
      const answer = await caller.until((_, ended) => ended);
      return (/\nlocation: (.*)\r/i.exec(answer) ?? /\r\n\r\n(?:[0-9a-f]+\r\n)?([^\r\n]+)/.exec(answer))?.[1];
    };
    const bothSay = async (target: string, ...lines: string[]) => [
      target,
      ...lines,
      ...new Set(await Promise.all(places.map((place) => said(place, target, lines)))),
    ];
    await soon(
      async () => expect(await bothSay("/host/rewrite")).toEqual(["/host/rewrite", "one new.example"]),
      10_000,
      "the rule is in force",
    );
    const user = (...names: string[]) => names.map((name) => `User: ${name}`);
    const rows: readonly (readonly [target: string, lines: readonly string[], said: string])[] = [
      ["/query?x&q=1&q=2", [], "two GET"],
      ...["/query?q=%31", "/query?%71=1", "/query?q=2&q=1", "/query??q=1", "/query?q=1;x", "/query"].map(
        (target) => [target, [], "one GET"] as const,
      ),
      ...["/flag?q", "/flag?x&q=%", "/plus?q=a+b"].map((target) => [target, [], "two GET"] as const),
      ...["/flag?%71", "/flag?x=q", "/plus?q=a%2Bb", "/plus?q=a%20b"].map((target) => [target, [], "one GET"] as const),
      ...["user", "suffix"].flatMap((path) => [
        [`/${path}`, user("ann", "bob"), "two GET"] as const,
        [`/${path}`, user("bob", "ann"), "two GET"] as const,
      ]),
      ["/user", user("ann,bob"), "one GET"],
      ["/without", user("eve", "ann"), "one GET"],
      ["/without", user("eve,ann"), "two GET"],
      ["/without", [], "two GET"],
      ["/list", ["Accept: a", "Accept: b"], "two GET"],
      ["/list", ["Accept: b", "Accept: a"], "one GET"],
      ["/text", user("bö"), "two GET"],
      ["/text", user("b"), "one GET"],
      ["/slash/a", [], "one GET /a"],
      ["/slash", [], "one GET /"],
      ["/slash?a//b", [], "one GET /?a//b"],
      ["/moved/a?b//c", [], "http://a.example/n/a?b//c"],
      ["/empty", ["X-A: 1"], 'one GET /empty ""'],
      ["/host/own", [], "one own.example"],
      ["/host/route", [], "one all.example"],
    ];
    for (const [target, lines, label] of rows)
      expect(await bothSay(target, ...lines)).toEqual([
        target,
        ...lines,
        expect.toSatisfy((text) => `${text} `.startsWith(`${label} `)),
      ]);
    expect((await trestle.command("rules", "--findings")).stdout).toMatch(/TR0228.*:path is left out/);
    expect(await envoy.rejected()).toEqual({});
  });

  test("nobody stays ejected by numbers that have changed, and a rule's own error codes are those that count", async () => {
    const places = await bothPlaces();
    const policy = (numbers: string, more = "") =>
      rules(
        `${shop()}---\n${split(`{${to("v1")}}`).replace(
          "spec: {host: shop,",
          `spec: {host: shop, trafficPolicy: {outlierDetection: {consecutive5xxErrors: 1, maxEjectionPercent: 100, ${numbers}}${more}},`,
        )}`,
      );
    const ask = ([address, port]: [string, string], path: string) =>
      curl("-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: shop", `http://${address}:${port}${path}`);
    const both = async (path: string) => [await ask(places[0], path), await ask(places[1], path)];
    const eject = async (path: string) => {
      await both(path);
      expect(await both("/")).toEqual(["503", "503"]);
    };
    await policy("baseEjectionTime: 100s");
    await soon(() => eject("/500"), 10_000, "a provider is ejected");
    await policy("baseEjectionTime: 100s", ", connectionPool: {http: {maxRetries: 7}}");
    await soon(async () => expect(await both("/")).toEqual(["503", "200"]), 10_000, "the Envoy has a new cluster");
    for (const [codes, more] of [
      ["", ", connectionPool: {http: {maxRetries: 7}}"],
      [", outlierDetectionHttpErrorCodes: [418]", ""],
    ] as const) {
      await policy(`baseEjectionTime: 200s${codes}`, more);
      await soon(async () => expect(await both("/")).toEqual(["200", "200"]), 10_000, "the provider is asked again");
    }
    await soon(() => eject("/418"), 10_000, "a provider is ejected by the rule's code");
    await policy(`baseEjectionTime: 100s, outlierDetectionHttpErrorCodes: [418]`);
    await soon(async () => expect(await both("/")).toEqual(["200", "200"]), 10_000, "the provider is asked again");
    await both("/500");
    expect(await both("/")).toEqual(["200", "200"]);
    expect(await envoy.rejected()).toEqual({});
  });
});

test("ways to write a path that a policy denies, or a header that it asks for, do not lead round it", async () => {
  const deny =
    "{action: DENY, rules: [{to: [{operation: {paths: [/no, /no/*]}}]}, {when: [{key: 'request.headers[user]', values: [evil]}]}]}";
  await rules([shop(), policyText("tricks", deny)].join("---\n"));
  const url = await addressOf("shop");
  const [host, port] = url.split(":") as [string, string];
  const said = async (target: string, ...lines: string[]): Promise<number> => {
    const caller = await openRawHttp(Number(port), host);
    caller.write([`GET ${target} HTTP/1.1`, `Host: ${url}`, ...lines, "", ""].join("\r\n"));
    const answer = await caller.until((text) => text.includes("\r\n"));
    caller.socket.destroy();
    return Number(answer.split(" ")[1]);
  };
  await soon(async () => expect(await said("/no")).toBe(403), 5_000, "the policy is in force");
  const statuses: Readonly<Record<number, readonly string[]>> = {
    200: [
      "/yes",
      "/nobody",
      "/?/no",
      "/a?x=../no",
      "/NO",
      "/yes;no",
      "/a%20b",
      "/caf%C3%A9",
      `http://${url}/yes`,
      `http://${url}`,
    ],
    403: [
      ...[
        "/no?x",
        "/no/a",
        "/no/",
        "/no.",
        "/no;x",
        "/no;",
        "/no;/",
        "/no;x=/y",
        "/%6eo",
        "/%6E%6f",
        "/no%20",
        "/%20no",
        "/no%20/a",
      ],
      ...[`http://${url}/no`, `HTTP://${url}/no`, "http://other/no", `https://${url}/no`],
    ],
    400: [
      ...[
        "//no",
        "/a//no",
        "/./no",
        "/no/.",
        "/a/../no",
        "/a/..",
        "/a/..;/no",
        "/a/..;x=1/no",
        "/.;/no",
        "/;/no",
        "/;x=1/no",
        "/a/;/../no",
      ],
      ...[
        "/a%2f..%2fno",
        "/a%2F../no",
        "/%2e/no",
        "/%2E%2e/no",
        "/a/%2e%2e/no",
        "/%256eo",
        "/%25%36eo",
        "/no%00",
        "/no%3b",
        "/no%3Bx",
      ],
      ...[
        "/no%0a",
        "/no%09",
        "/no%0D",
        "/no%7f",
        "/no%23",
        "/no#",
        "\\no",
        "/\\no",
        "/a\\..\\no",
        "/%5cno",
        "/a%5C..%5Cno",
      ],
      ...[
        `http://${url}//no`,
        `http://${url}/a/../no`,
        "no",
        "*",
        "?/no",
        ";/no",
        "ftp://x/no",
        "http:no",
        "/no\tx",
        "/no\u00e9",
      ],
    ],
  };
  const before = node.requests + second.requests;
  for (const [status, targets] of Object.entries(statuses))
    for (const target of targets) expect([target, await said(target)]).toEqual([target, Number(status)]);
  expect(node.requests + second.requests - before).toBe(statuses[200]!.length);
  expect(await said("/yes", "User: ann")).toBe(200);
  expect(await said("/yes", "user:evil")).toBe(403);
  expect(await said("/yes", "User: evil", "USER: ann")).toBe(400);
  expect(await said("/yes", "User: ann", "User: evil")).toBe(400);
  expect(await said("/yes", "Accept: a", "Accept: b")).toBe(200);
});

test("a service that comes gets a port, and gives it back when it goes", async () => {
  const first = entry(
    "late",
    "late",
    `resolution: STATIC, ports: [{number: ${node.port}, name: http, protocol: HTTP}], endpoints: [{address: 127.0.0.1}]`,
  );
  await rules([shop(), python(), first].join("---\n"));
  await soon(async () => expect(await addressOf("late").catch(() => "")).toMatch(/:31\d{3}$/), 5_000, "it has a port");
  const address = await addressOf("late");
  await soon(async () => expect(await curl(`http://${address}/x`)).toBe("one GET /x"), 5_000, "it is served");
  await rules([shop(), python()].join("---\n"));
  await soon(
    async () => expect(await curl("-o", "/dev/null", `http://${address}/x`).catch(String)).toMatch(/connect to/i),
    5_000,
    "the port is closed",
  );
});

test("an instance that starts while a service's port is in use gives it another one, with a finding", async () => {
  const [host, port] = (await addressOf("shop")).split(":") as [string, string];
  await trestle.stop();
  const other = createServer();
  await new Promise<void>((resolve) => other.listen({ host, port: Number(port) }, resolve));
  trestle = await startTrestle({ rules: join(folder, "rules"), output: `xds=${hosts.trestle}:${XDS_PORT}` });
  expect(await addressOf("shop")).not.toBe(`${host}:${port}`);
  expect(await curl(`http://${await addressOf("shop")}/x`)).toMatch(/^(one|two) GET \/x$/);
  const { findings } = (await trestle.json("/api/v1/findings")) as { findings: readonly { code: string }[] };
  expect(findings.map(({ code }) => code)).toContain("TR0601");
  await new Promise((resolve) => other.close(resolve));
});

test("a restart hands the ports from worker to worker: requests under way are answered, and new connections come in again", async () => {
  const url = `http://${await addressOf("shop")}/x`;
  let running = true;
  let answered = 0;
  const failures: string[] = [];
  const one = () =>
    new Promise<void>((resolve) => {
      get(url, { agent: false }, (answer) => {
        answer.resume();
        answer.on("end", () => {
          if (answer.statusCode === 200) answered++;
          else failures.push(String(answer.statusCode));
          resolve();
        });
      }).on("error", (error: NodeJS.ErrnoException) => {
        // Between two workers nobody listens for a moment; a connection in the old one's queue is reset.
        if (error.code !== "ECONNREFUSED" && error.code !== "ECONNRESET") failures.push(error.message);
        resolve();
      });
    });
  const loop = (async () => {
    while (running) {
      await one();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  const before = trestle.workers();
  const restarted = await trestle.command("restart");
  expect(restarted.stderr).toBe("");
  expect(trestle.workers().filter((pid) => before.includes(pid))).toEqual([]);
  running = false;
  await loop;
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThan(100);
  expect(await curl(url)).toMatch(/^(one|two) GET \/x$/);
});
